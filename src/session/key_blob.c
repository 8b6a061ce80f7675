#include "session/key_blob.h"

#include <stdlib.h>
#include <string.h>

static int base64_value(char c)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c != 0 ? strchr(digits, c) : NULL;

        return at != NULL ? (int)(at - digits) : -1;
}

bool key_blob_from_base64(struct str text, struct buf *out)
{
        size_t padding = 0;

        if (text.len == 0 || text.len % 4 != 0)
                return false;
        while (padding < 2 && text.ptr[text.len - 1 - padding] == '=')
                padding++;
        for (size_t i = 0; i < text.len; i += 4) {
                uint32_t group = 0;
                size_t missing = i + 4 == text.len ? padding : 0;
                for (size_t k = 0; k < 4; k++) {
                        int value = k < 4 - missing ? base64_value(text.ptr[i + k]) : 0;
                        if (value < 0)
                                return false;
                        group = group << 6 | (uint32_t)value;
                }
                uint8_t bytes[3] = { (uint8_t)(group >> 16), (uint8_t)(group >> 8),
                                     (uint8_t)group };
                if (!buf_append(out, bytes, 3 - missing))
                        return false;
        }
        return true;
}

bool key_blob_to_base64(struct str blob, struct buf *out)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const uint8_t *b = (const uint8_t *)blob.ptr;

        for (size_t i = 0; i < blob.len; i += 3) {
                size_t here = blob.len - i < 3 ? blob.len - i : 3;
                uint32_t group = (uint32_t)b[i] << 16;
                if (here > 1)
                        group |= (uint32_t)b[i + 1] << 8;
                if (here > 2)
                        group |= b[i + 2];
                char text[4] = { digits[group >> 18], digits[group >> 12 & 63], '=', '=' };
                if (here > 1)
                        text[2] = digits[group >> 6 & 63];
                if (here > 2)
                        text[3] = digits[group & 63];
                if (!buf_append(out, text, sizeof text))
                        return false;
        }
        return true;
}

struct str key_blob_type(struct str blob)
{
        const uint8_t *b = (const uint8_t *)blob.ptr;

        if (blob.len < 4)
                return (struct str){ "", 0 };
        size_t len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | (size_t)b[3];
        return len <= blob.len - 4 ? (struct str){ blob.ptr + 4, len } : (struct str){ "", 0 };
}

bool key_blob_parse(struct str type, struct str base64, struct buf *out)
{
        size_t begin = out->len;

        if (type.len == 0 || !key_blob_from_base64(base64, out))
                return false;
        struct str inside =
                key_blob_type((struct str){ (const char *)out->data + begin, out->len - begin });
        return inside.len == type.len && memcmp(inside.ptr, type.ptr, type.len) == 0;
}

void key_blobs_free(struct key_blobs *blobs)
{
        if (blobs == NULL)
                return;
        for (unsigned i = 0; i < blobs->count; i++)
                buf_fini(&blobs->items[i]);
        free(blobs);
}

bool key_blobs_have(const struct key_blobs *blobs, struct str blob)
{
        for (unsigned i = 0; i < blobs->count; i++)
                if (blobs->items[i].len == blob.len
                    && memcmp(blobs->items[i].data, blob.ptr, blob.len) == 0)
                        return true;
        return false;
}

bool key_blobs_add_line(struct key_blobs *blobs, struct str text)
{
        struct str line = { "", 0 };

        if (blobs->count == KEY_BLOBS_MAX || !str_line(&text, &line))
                return false;
        struct str type = str_word(&line);
        struct str base64 = str_word(&line);
        struct buf *blob = &blobs->items[blobs->count];
        buf_init(blob, KEY_BLOB_MAX);
        if (key_blob_parse(type, base64, blob)) {
                blobs->count++;
                return true;
        }
        buf_fini(blob);
        return false;
}
