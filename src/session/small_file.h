#pragma once
/*
 * small_file.h - reads a whole file that somebody else chose, without being held up by it.
 *
 * Opened with O_NONBLOCK and refused unless it is a regular file: a FIFO would block, a device
 * never ends.
 *
 * Process: supervisor.
 * Errors:  ERR_NOT_FOUND when there is no such file, else ERR_SYSTEM. The text does not name the
 *          file: the caller does.
 */
#include "base/buf.h"
#include "base/err.h"

#include <sys/stat.h>

/* Appends to out, whose max is the limit on the size. out_stat may be NULL. */
bool small_file_read(const char *path, struct buf *out, struct stat *out_stat, struct err *err);
