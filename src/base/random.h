#pragma once
/*
 * random.h - bytes nobody can guess, from the kernel.
 *
 * Process: any; a sandboxed worker may call it.
 * Errors:  none: a kernel without randomness is a bug() of the machine.
 */
#include <stddef.h>

void random_bytes(void *out, size_t len); /* len <= 256 */
void random_hex(char *out, size_t len);   /* len hex digits (even, <= 64) and a NUL */
void random_token(char *out, size_t len); /* len of A-Za-z0-9_- (<= 64), 6 bits each, and a NUL */
