#include "session/digest.h"

#include "base/log.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static void hmac(uint8_t *out, unsigned len, const EVP_MD *md, struct bytes key, struct bytes text)
{
        unsigned got = 0;

        if (HMAC(md, key.ptr, (int)key.len, text.ptr, text.len, out, &got) == NULL || got != len)
                bug("libcrypto has no HMAC of %u bytes", len);
}

void digest_sha256(uint8_t out[SHA256_LEN], struct bytes text)
{
        unsigned len = 0;

        if (EVP_Digest(text.ptr, text.len, out, &len, EVP_sha256(), NULL) != 1 || len != SHA256_LEN)
                bug("libcrypto has no SHA-256");
}

void digest_hmac_sha1(uint8_t out[SHA1_LEN], struct bytes key, struct bytes text)
{
        hmac(out, SHA1_LEN, EVP_sha1(), key, text);
}

void digest_hmac_sha256(uint8_t out[SHA256_LEN], struct bytes key, struct bytes text)
{
        hmac(out, SHA256_LEN, EVP_sha256(), key, text);
}

void digest_fingerprint(char out[FINGERPRINT_LEN + 1], struct bytes blob)
{
        uint8_t digest[SHA256_LEN];
        unsigned char text[4 * (SHA256_LEN / 3 + 1) + 1];

        digest_sha256(digest, blob);
        int len = EVP_EncodeBlock(text, digest, SHA256_LEN); /* 43 characters and one '=' */
        if (len != 44)
                bug("base64 of a digest has %d characters", len);
        memcpy(out, "SHA256:", 7);
        memcpy(out + 7, text, 43);
        out[FINGERPRINT_LEN] = 0;
}
