#pragma once
/*
 * known_hosts_file.h - adds a line to a known_hosts file, and does nothing else to it.
 *
 * One write at the end of the file, so that what others append at the same time stays whole. A last
 * line without a newline gets one. A missing file is made with mode 0600, and a missing ~/.ssh
 * with 0700. A symbolic link is followed where it is ours or root's and leads to a file.
 *
 * Process: supervisor.
 * Errors:  ERR_SYSTEM; the text does not name the file: the caller does.
 */
#include "base/err.h"
#include "base/str.h"
#include "session/config/home.h"

/* line: with its newline. path: absolute. */
bool known_hosts_append(const char *path, const struct home *home, struct str line,
                        struct err *err);
