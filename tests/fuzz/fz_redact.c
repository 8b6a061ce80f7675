/*
 * Bytes: a secret's length, its bytes, a second one likewise, how to cut, the text; the byte 1 in
 * the text stands for the first secret, 2 for the second. Neither is ever in the output, the cut
 * changes nothing, and what stays is what was there.
 */
#include "fuzz.h"
#include "session/secrecy/redactor.h"

#define TEXT_MAX ((size_t)16 * 1024 * 1024)
#define SECRETS  2

/* Brackets are REDACTED's: with them in a secret, one could come about that was not there. */
static struct str take_secret(const uint8_t **bytes, size_t *len)
{
        size_t most = *len > 0 ? (size_t)(**bytes % 32) : 0;
        struct str secret = { (const char *)*bytes + (*len > 0), 0 };

        *bytes += *len > 0;
        *len -= *len > 0;
        while (secret.len < most && secret.len < *len && memchr("[]\n\r", secret.ptr[secret.len], 4) == NULL)
                secret.len++;
        *bytes += secret.len;
        *len -= secret.len;
        return secret;
}

static void append(void *arg, const void *bytes, size_t len)
{
        fuzz_check(buf_append(arg, bytes, len));
}

static void ignore(void *arg, const void *bytes, size_t len)
{
        (void)arg;
        fuzz_check(bytes != NULL && len > 0);
}

static unsigned redact(const struct redactor *redactor, struct str text, size_t step, struct buf *out)
{
        struct redactor_stream *stream = redactor_stream_new(redactor);

        buf_init(out, TEXT_MAX);
        for (size_t at = 0; at < text.len; at += step) {
                size_t piece = text.len - at < step ? text.len - at : step;
                char *copy = fuzz_copy((const uint8_t *)text.ptr + at, piece);
                redactor_stream_peek(stream, (struct str){ copy, piece }, ignore, NULL);
                redactor_stream_feed(stream, (struct str){ copy, piece }, append, out);
                free(copy);
        }
        redactor_stream_finish(stream, append, out);
        unsigned count = redactor_stream_count(stream);
        redactor_stream_free(stream);
        return count;
}

/* Every piece between two REDACTED is in the text, one after another. */
static void check_pieces(struct str text, struct str out, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                const char *mark = memmem(out.ptr, out.len, REDACTED, strlen(REDACTED));
                fuzz_check(mark != NULL);
                size_t piece = (size_t)(mark - out.ptr);
                const char *found = memmem(text.ptr, text.len, out.ptr, piece);
                fuzz_check(found != NULL);
                text.len -= (size_t)(found - text.ptr) + piece;
                text.ptr = found + piece;
                out.ptr = mark + strlen(REDACTED);
                out.len -= piece + strlen(REDACTED);
        }
        fuzz_check(out.len <= text.len
                   && fuzz_same(text.ptr + (text.len - out.len), out.len, out.ptr, out.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct redactor *redactor = redactor_new();
        struct str secrets[SECRETS];
        struct buf text, whole, pieces;
        struct err err;

        for (int i = 0; i < SECRETS; i++) {
                secrets[i] = take_secret(&bytes, &len);
                fuzz_check(redactor_add(redactor, secrets[i], &err));
        }
        size_t step = len > 0 ? (size_t)*bytes + 1 : 1;
        buf_init(&text, TEXT_MAX);
        (void)buf_reserve(&text, 1);
        for (size_t i = 1; i < len; i++)
                if (bytes[i] == 1 || bytes[i] == 2)
                        fuzz_check(buf_append(&text, secrets[bytes[i] - 1].ptr, secrets[bytes[i] - 1].len));
                else
                        fuzz_check(buf_append_byte(&text, bytes[i]));
        if (!redactor_is_empty(redactor)) {
                unsigned count = redact(redactor, buf_str(&text), text.len + 1, &whole);
                fuzz_check(redact(redactor, buf_str(&text), step, &pieces) == count);
                fuzz_check(fuzz_same(whole.data, whole.len, pieces.data, pieces.len));
                for (int i = 0; i < SECRETS; i++)
                        fuzz_check(secrets[i].len < REDACTOR_SECRET_MIN || whole.len == 0
                                   || memmem(REDACTED, strlen(REDACTED), secrets[i].ptr, secrets[i].len) != NULL
                                   || memmem(whole.data, whole.len, secrets[i].ptr, secrets[i].len) == NULL);
                if (memmem(text.data, text.len, REDACTED, strlen(REDACTED)) == NULL)
                        check_pieces(buf_str(&text), buf_str(&whole), count);
                buf_fini(&whole);
                buf_fini(&pieces);
        }
        buf_fini(&text);
        redactor_free(redactor);
        return 0;
}
