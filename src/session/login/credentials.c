#include "session/login/credentials.h"

#include "base/random.h"
#include "session/digest.h"

#include <string.h>

#define SALT_LEN 32

/* File scope, because it must be the same for every call of the process and known to nobody:
 * with it a print in memory does not help to guess a password. */
static uint8_t salt[SALT_LEN];
static bool has_salt;

struct credentials credentials_of(const char *key_filename, const struct secret *password)
{
        struct credentials credentials = { .is_default = key_filename == NULL && password == NULL };
        uint8_t key[SHA256_LEN + 1]; /* the byte more tells "none" from "empty" */
        struct bytes name = { key_filename, key_filename != NULL ? strlen(key_filename) : 0 };
        struct bytes word = { password != NULL ? secret_bytes(password) : "",
                              password != NULL ? secret_len(password) : 0 };

        if (!has_salt) {
                random_bytes(salt, sizeof salt);
                has_salt = true;
        }
        if (name.ptr == NULL)
                name.ptr = "";
        digest_hmac_sha256(key, (struct bytes){ salt, SALT_LEN }, name);
        key[SHA256_LEN] = (uint8_t)((key_filename != NULL) | (password != NULL) << 1);
        digest_hmac_sha256(credentials.print, (struct bytes){ key, sizeof key }, word);
        return credentials;
}

bool credentials_are_same(const struct credentials *these, const struct credentials *those)
{
        return memcmp(these->print, those->print, sizeof these->print) == 0;
}
