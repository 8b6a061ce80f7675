#pragma once
/*
 * sudo_text.h - is a command one plain call of sudo, which can be given a prompt of ours?
 *
 * Process: supervisor. Pure.
 */
#include "base/str.h"

/*
 * Where its first word, sudo, ends; 0: the command does not begin with it, or is more than that one
 * call: a list, a pipeline, a substitution (POSIX.1-2017 XCU 2.2, 2.10).
 */
size_t sudo_text_own(struct str text);
