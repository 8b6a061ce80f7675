#pragma once
/*
 * buf.h - the only growable buffer: bytes with a ceiling it is born with.
 *
 * Invariants: len <= cap <= max; after any successful call on a non-empty buf, data[len] is
 * readable and NUL, so text in it can be used as a C string. Zeroed memory with a max set by
 * buf_init() is a valid empty buf; buf_fini() accepts zeroed memory.
 *
 * Process: any.
 * Memory:  the buf owns data; pointers into it are good until the next call that changes it.
 * Errors:  appending beyond max or out of memory returns false and leaves the buf as it was.
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
        uint8_t *data;
        size_t len;
        size_t cap;
        size_t max;
};

void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);
void buf_reset(struct buf *buf); /* empty, keeps the memory */

bool buf_reserve(struct buf *buf, size_t extra); /* room for extra bytes more at data + len */
bool buf_append(struct buf *buf, const void *bytes, size_t len);
bool buf_append_str(struct buf *buf, const char *text);
bool buf_append_byte(struct buf *buf, uint8_t byte);
bool buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops len bytes from the front; len <= buf->len. */
void buf_consume(struct buf *buf, size_t len);

struct str buf_str(const struct buf *buf); /* borrowed */

/* The text, NUL-terminated; yours, free(). The buf is empty afterwards. Never NULL. */
char *buf_take(struct buf *buf);
