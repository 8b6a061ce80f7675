#pragma once
/*
 * utf8.h - bytes become text once, here.
 *
 * Valid means RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Process: any. Pure.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum utf8_result {
        UTF8_VALID,      /* *out_len bytes are one character */
        UTF8_INVALID,    /* *out_len bytes (at least 1) are no part of any character */
        UTF8_INCOMPLETE, /* valid so far, but the character's end is not there yet */
};

/* Looks at the first character of bytes; len > 0. */
enum utf8_result utf8_next(const uint8_t *bytes, size_t len, size_t *out_len);

bool utf8_is_valid(const void *bytes, size_t len);

/*
 * Appends the bytes with every invalid sequence, and an incomplete one at the end, replaced by
 * U+FFFD. Returns false when out is full.
 */
bool str_utf8_repair(struct buf *out, const void *bytes, size_t len);

/* The largest n <= len at which the text can be cut without splitting a character. */
size_t utf8_cut(const char *text, size_t len);
