/* A key file's text: its public half comes back from the line that it is written as. */
#include "fuzz.h"
#include "session/host_key/key_blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char *copy = fuzz_copy(bytes, len);
        struct str text = { copy, len };
        struct buf blob;
        struct buf again;

        buf_init(&blob, KEY_BLOB_MAX);
        buf_init(&again, KEY_BLOB_MAX);
        if (key_blob_from_private(text, &blob)) {
                char *line = key_blob_line(buf_str(&blob));
                struct str rest = str_of(line != NULL ? line : "");
                struct str type = str_word(&rest);
                if (key_blob_parse(type, str_word(&rest), &again))
                        fuzz_check(fuzz_same(blob.data, blob.len, again.data, again.len));
                free(line);
        }
        (void)key_blob_is_certificate_of(text, text);
        (void)key_blob_is_certificate_of(text, buf_str(&blob));
        buf_fini(&blob);
        buf_fini(&again);
        free(copy);
        return 0;
}
