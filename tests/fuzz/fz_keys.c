/* Text with keys in it: bounded, and refused in one mode if and only if in the other. */
#include "fuzz.h"
#include "session/terminal/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        struct str text = { (const char *)bytes, len };
        struct buf normal;
        struct buf application;
        struct err err = { 0 };

        buf_init(&normal, 2 * KEYS_BYTES_MAX);
        buf_init(&application, 2 * KEYS_BYTES_MAX);
        bool is_good = keys_write(&normal, text, KEYS_NORMAL, &err);
        fuzz_check(keys_write(&application, text, KEYS_APPLICATION, &err) == is_good);
        fuzz_check(!is_good || normal.len == application.len);
        fuzz_check(!is_good || normal.len <= KEYS_BYTES_MAX);
        fuzz_check(is_good == (err.code == ERR_NONE));
        buf_fini(&normal);
        buf_fini(&application);
        return 0;
}
