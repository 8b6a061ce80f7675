#pragma once
/*
 * digest.h - the four things that we need libcrypto for; the only file of this folder that
 * includes it (its headers take names such as ERR_STATE).
 *
 * Process: supervisor. Pure.
 */
#include <stddef.h>
#include <stdint.h>

#define SHA1_LEN   20
#define SHA256_LEN 32

struct bytes {
        const void *ptr;
        size_t len;
};

void digest_sha256(uint8_t out[SHA256_LEN], struct bytes text);
void digest_hmac_sha1(uint8_t out[SHA1_LEN], struct bytes key, struct bytes text);
void digest_hmac_sha256(uint8_t out[SHA256_LEN], struct bytes key, struct bytes text);

#define FINGERPRINT_LEN 50 /* "SHA256:" and 43 characters */

/* As ssh-keygen -l prints it. */
void digest_fingerprint(char out[FINGERPRINT_LEN + 1], struct bytes blob);
