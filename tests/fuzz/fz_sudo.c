/*
 * The first byte says the pieces: in any, the same is left of the output, and prompt and mark are
 * seen at the same places. The nonce is all A here, so that inputs can have it.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "worker/shell/sudo.h"

static void put_nonce(const struct sudo *sudo, char *text, size_t len)
{
        char *at = strstr(text, (char[]){ sudo->nonce[0], sudo->nonce[1], sudo->nonce[2], sudo->nonce[3],
                                          sudo->nonce[4], sudo->nonce[5], sudo->nonce[6], 0 });

        fuzz_check(at != NULL);
        memset(at, 'A', len);
}

static struct sudo *fed(const uint8_t *bytes, size_t len, size_t step, struct buf *out)
{
        const struct wire_sudo asked = { .password = { "hunter2", 7 }, .whom = { "bob", 3 } };
        struct sudo *sudo = sudo_new(&asked);

        put_nonce(sudo, sudo->prompt, SUDO_NONCE_LEN);
        put_nonce(sudo, sudo->mark, 11);
        buf_init(out, SIZE_MAX / 2);
        for (size_t at = 0; at < len; at += step) {
                size_t left = len - at < step ? len - at : step;
                struct str rest = sudo_feed(sudo, (struct str){ (const char *)bytes + at, left });
                fuzz_check(rest.len == 0 || buf_append(out, rest.ptr, rest.len));
                fuzz_check(sudo->held_len < SUDO_PROMPT_MAX);
                fuzz_check((sudo->step == SUDO_RUNS) == (sudo->password == NULL));
                fuzz_check(!sudo->at_prompt || sudo->held_len == 0);
        }
        struct str rest = sudo_release(sudo);
        fuzz_check(rest.len == 0 || buf_append(out, rest.ptr, rest.len));
        return sudo;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct buf whole;
        struct buf pieces;

        if (len == 0)
                return 0;
        struct sudo *one = fed(bytes + 1, len - 1, len, &whole);
        struct sudo *other = fed(bytes + 1, len - 1, bytes[0] + (size_t)1, &pieces);
        fuzz_check(fuzz_same(whole.data, whole.len, pieces.data, pieces.len));
        fuzz_check(one->step == other->step && one->prompts == other->prompts);
        fuzz_check(one->at_prompt == other->at_prompt);
        fuzz_check(whole.len <= len - 1);
        sudo_free(one);
        sudo_free(other);
        buf_fini(&whole);
        buf_fini(&pieces);
        return 0;
}
