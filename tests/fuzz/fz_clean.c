/* A host's output; the first byte says mode and pieces. The text is valid, and the same in any. */
#include "base/utf8.h"
#include "fuzz.h"
#include "worker/terminal/clean.h"

#define TEXT_MAX ((size_t)64 * 1024 * 1024)

static void check_text(const uint8_t *text, size_t len, enum clean_mode mode)
{
        fuzz_check(utf8_is_valid(text, len));
        for (size_t i = 0; i < len; i++) {
                bool may_stay = text[i] == '\n' || text[i] == '\t' || (text[i] == '\r' && mode == CLEAN_PIPE);
                fuzz_check((text[i] >= 0x20 || may_stay) && text[i] != 0x7F);
                fuzz_check(text[i] != 0xC2 || text[i + 1] >= 0xA0); /* the C1 controls */
        }
}

static void clean_in_pieces(enum clean_mode mode, const uint8_t *bytes, size_t len, size_t step, struct buf *out)
{
        struct clean clean;

        buf_init(out, TEXT_MAX);
        clean_init(&clean, mode);
        for (size_t at = 0; at < len; at += step) {
                fuzz_check(clean_feed(&clean, bytes + at, len - at < step ? len - at : step, out));
                check_text(clean.line.data, clean.line.len, mode);
        }
        fuzz_check(clean_finish(&clean, out));
        check_text(out->data, out->len, mode);
        clean_fini(&clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct buf whole;
        struct buf pieces;

        if (len == 0)
                return 0;
        enum clean_mode mode = bytes[0] >= 128 ? CLEAN_PIPE : CLEAN_TTY;
        clean_in_pieces(mode, bytes + 1, len - 1, len, &whole);
        clean_in_pieces(mode, bytes + 1, len - 1, bytes[0] % 128 + (size_t)1, &pieces);
        fuzz_check(fuzz_same(whole.data, whole.len, pieces.data, pieces.len));
        buf_fini(&whole);
        buf_fini(&pieces);
        return 0;
}
