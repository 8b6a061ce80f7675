#pragma once
/*
 * secret.h - a password, a key: bytes that are never printed and are wiped on free.
 *
 * The memory is locked (not swapped) and left out of core dumps where the system allows.
 * There is no printing function on purpose.
 *
 * Process: supervisor and worker.
 * Memory:  secret_new() gives, secret_free() wipes and frees; NULL is fine.
 */
#include <stdbool.h>
#include <stddef.h>

struct secret;

struct secret *secret_new(const void *bytes, size_t len);
struct secret *secret_new_blank(size_t len); /* zeros, to be written through secret_room() */
void secret_free(struct secret *secret);

/* The bytes, with a NUL behind them; borrowed until secret_free(). */
const char *secret_bytes(const struct secret *secret);
size_t secret_len(const struct secret *secret);
void *secret_room(struct secret *secret); /* the same bytes, aligned for any type */

/* In constant time for equal lengths. NULL equals only NULL. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Overwrites memory in a way the compiler does not remove. */
void secret_wipe(void *bytes, size_t len);
