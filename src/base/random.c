#include "base/random.h"

#include "base/log.h"

#include <stdint.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

void random_bytes(void *out, size_t len)
{
        if (getentropy(out, len) != 0)
                bug("getentropy failed for %zu bytes", len);
}

void random_hex(char *out, size_t len)
{
        static const char digits[] = "0123456789abcdef";
        uint8_t bytes[32];

        random_bytes(bytes, len / 2);
        for (size_t i = 0; i < len; i++)
                out[i] = digits[i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15];
        out[len] = 0;
}

void random_token(char *out, size_t len)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        uint8_t bytes[64];

        random_bytes(bytes, len);
        for (size_t i = 0; i < len; i++)
                out[i] = letters[bytes[i] & 63];
        out[len] = 0;
}
