#include "worker/base64.h"

#include "base/alloc.h"

#include <openssl/evp.h>
#include <string.h>

bool base64_decode(const char *text, uint8_t *out, size_t size, size_t *out_len)
{
        size_t len = strlen(text);

        if (len == 0 || len > INT32_MAX || len / 4 * 3 > size)
                return false;
        int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
        if (n <= 0)
                return false;
        for (size_t i = len; i > 0 && text[i - 1] == '='; i--)
                n--; /* it counts the padding as bytes */
        *out_len = (size_t)n;
        return true;
}

char *base64_encode(const uint8_t *bytes, size_t len)
{
        if (len > INT32_MAX / 2)
                return NULL;
        char *text = xcalloc(1, (len + 2) / 3 * 4 + 1);
        (void)EVP_EncodeBlock((unsigned char *)text, bytes, (int)len); /* cannot fail */
        return text;
}
