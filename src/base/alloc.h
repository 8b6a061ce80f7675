#pragma once
/*
 * alloc.h - memory of small, fixed size; aborts when there is none.
 *
 * Sizes that a peer can choose go through struct buf, which has a ceiling and may fail.
 *
 * Process: any.
 * Memory:  what is returned is the caller's, free().
 */
#include <stddef.h>

void *xcalloc(size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len); /* copies len bytes at most and adds the NUL */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
