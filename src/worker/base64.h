#pragma once
/*
 * base64.h - decoding and encoding (RFC 4648 4), by libcrypto. In a file of its own because OpenSSL's headers
 * and base/err.h use the same names.
 *
 * Process: worker. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: no base64, or more than size bytes. out needs 3 bytes for every 4 characters. */
bool base64_decode(const char *text, uint8_t *out, size_t size, size_t *out_len);

/* Yours, free(); NULL for more than INT32_MAX / 2 bytes. */
char *base64_encode(const uint8_t *bytes, size_t len);
