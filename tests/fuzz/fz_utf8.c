/* Any bytes: repaired they are valid, valid ones stay as they are, and a cut splits no character. */
#include "base/utf8.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct buf out;

        buf_init(&out, 3 * len);
        fuzz_check(str_utf8_repair(&out, bytes, len));
        fuzz_check(utf8_is_valid(out.data, out.len));
        fuzz_check(utf8_is_valid(bytes, len) == fuzz_same(bytes, len, out.data, out.len));
        for (size_t at = 0; at <= out.len; at++) {
                size_t cut = utf8_cut((const char *)out.data, at);
                fuzz_check(cut <= at && at - cut < 4 && utf8_is_valid(out.data, cut));
        }
        fuzz_check(utf8_cut((const char *)bytes, len) <= len);
        buf_fini(&out);
        return 0;
}
