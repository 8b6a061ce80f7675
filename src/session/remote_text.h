#pragma once
/*
 * remote_text.h - a short text that a host made, fit to be shown in one line.
 *
 * Invalid UTF-8 becomes U+FFFD, control characters become blanks, what is beyond max is cut.
 *
 * Process: supervisor. Pure.
 */
#include "base/str.h"

char *remote_text(struct str bytes, size_t max); /* yours, free(); never NULL */
