#include "session/secrecy/remote_text.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "base/utf8.h"

/*
 * Those that change the order in which a terminal shows a line, so that a host's words stand where
 * ours do: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069; and U+2028, U+2029, which begin
 * another line. All have three bytes, as the U+FFFD that takes their place.
 */
static void replace_reordering(struct buf *text)
{
        for (size_t i = 0; i + 2 < text->len; i++) {
                uint8_t *at = text->data + i;
                bool is_one = at[0] == 0xE2
                              && ((at[1] == 0x80
                                   && (at[2] == 0x8E || at[2] == 0x8F
                                       || (at[2] >= 0xA8 && at[2] <= 0xAE)))
                                  || (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9));
                if (!is_one)
                        continue;
                at[0] = 0xEF;
                at[1] = 0xBF;
                at[2] = 0xBD;
        }
}

char *remote_text(struct str bytes, size_t max)
{
        struct buf text;
        size_t len = bytes.len < max ? bytes.len : utf8_cut(bytes.ptr, max);

        buf_init(&text, max * 3); /* each bad byte becomes three */
        (void)str_utf8_repair(&text, bytes.ptr, len);
        for (size_t i = 0; i < text.len; i++) {
                bool is_c1 = text.data[i] == 0xC2 && i + 1 < text.len && text.data[i + 1] < 0xA0;
                if (text.data[i] < 0x20 || text.data[i] == 0x7F)
                        text.data[i] = ' ';
                if (is_c1) { /* U+0080 to U+009F, two bytes */
                        text.data[i] = ' ';
                        text.data[i + 1] = ' ';
                }
        }
        replace_reordering(&text);
        return buf_take(&text);
}

char *remote_text_shown(const struct redactor *redactor, struct str bytes, size_t max)
{
        scoped_buf struct buf shown = { 0 };

        if (redactor_is_empty(redactor))
                return remote_text(bytes, max);
        buf_init(&shown, bytes.len * 3 + sizeof REDACTED); /* four characters become ten at most */
        (void)redactor_text(redactor, bytes, &shown);
        return remote_text(buf_str(&shown), max);
}
