#include "session/host_key/key_blob.h"

#include "base/alloc.h"
#include "base/packed.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(char c)
{
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
        struct str type = { "", 0 };

        (void)packed_take(&blob, &type); /* else it stays "" */
        return type;
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

/* ---- inside a blob ---- */

char *key_blob_line(struct str blob)
{
        struct str type = key_blob_type(blob);
        struct buf line;

        if (blob.len > KEY_BLOB_MAX || type.len == 0)
                return NULL;
        buf_init(&line, 2 * KEY_BLOB_MAX);
        (void)buf_printf(&line, "%.*s ", (int)type.len, type.ptr); /* it all fits */
        (void)key_blob_to_base64(blob, &line);
        return buf_take(&line);
}

/* The base64 between the lines of dashes, its line ends left out. */
static bool unwrap(struct str text, struct buf *out)
{
        static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
        static const char end[] = "-----END OPENSSH PRIVATE KEY-----";
        struct str line = { "", 0 };

        while (str_line(&text, &line) && !str_is(str_trim(line), begin))
                continue;
        while (str_line(&text, &line)) {
                struct str piece = str_trim(line);
                if (str_is(piece, end))
                        return true;
                if (!buf_append(out, piece.ptr, piece.len))
                        return false;
        }
        return false;
}

/* Behind the magic: cipher, key derivation, its options; u32 how many keys, always 1; the blob. */
static bool take_public_half(struct str rest, struct str *out_blob)
{
        struct str ignored;

        for (int i = 0; i < 3; i++)
                if (!packed_take(&rest, &ignored))
                        return false;
        if (rest.len < 4)
                return false;
        rest = (struct str){ rest.ptr + 4, rest.len - 4 };
        return packed_take(&rest, out_blob) && out_blob->len > 0;
}

bool key_blob_from_private(struct str text, struct buf *out)
{
        static const char magic[] = "openssh-key-v1"; /* with its NUL */
        struct buf base64;
        struct buf bytes;
        struct str blob;
        bool ok = false;

        buf_init(&base64, text.len + 1);
        buf_init(&bytes, text.len + 1);
        if (buf_reserve(&base64, text.len) && buf_reserve(&bytes, text.len) && unwrap(text, &base64)
            && key_blob_from_base64(buf_str(&base64), &bytes) && bytes.len > sizeof magic
            && memcmp(bytes.data, magic, sizeof magic) == 0) {
                struct str rest = { (const char *)bytes.data + sizeof magic,
                                    bytes.len - sizeof magic };
                ok = take_public_half(rest, &blob) && buf_append(out, blob.ptr, blob.len);
        }
        if (base64.data != NULL)
                secret_wipe(base64.data, base64.len);
        if (bytes.data != NULL)
                secret_wipe(bytes.data, bytes.len);
        buf_fini(&base64);
        buf_fini(&bytes);
        return ok;
}

/*
 * A certificate is a type name, a nonce, and then the fields of the key as in its own blob
 * behind the name.
 */
bool key_blob_is_certificate_of(struct str certificate, struct str key)
{
        static const char suffix[] = "-cert-v01@openssh.com";
        struct str certificate_type;
        struct str nonce;
        struct str type;

        if (!packed_take(&certificate, &certificate_type) || !packed_take(&certificate, &nonce)
            || !packed_take(&key, &type) || key.len == 0)
                return false;
        return certificate_type.len == type.len + sizeof suffix - 1
               && memcmp(certificate_type.ptr, type.ptr, type.len) == 0
               && memcmp(certificate_type.ptr + type.len, suffix, sizeof suffix - 1) == 0
               && certificate.len >= key.len && memcmp(certificate.ptr, key.ptr, key.len) == 0;
}
