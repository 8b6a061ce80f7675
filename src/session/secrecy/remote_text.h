#pragma once
/*
 * remote_text.h - a short text that a host made, fit to be shown in one line.
 *
 * Invalid UTF-8 and what reorders a line become U+FFFD, control characters become blanks, what is
 * beyond max is cut.
 *
 * Process: supervisor. Pure.
 */
#include "base/str.h"
#include "session/secrecy/redactor.h"

char *remote_text(struct str bytes, size_t max); /* yours, free(); never NULL */

/* The same without secrets, which are looked for before anything is cut. redactor: may be NULL. */
char *remote_text_shown(const struct redactor *redactor, struct str bytes, size_t max);
