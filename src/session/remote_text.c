#include "session/remote_text.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "base/utf8.h"

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
        return buf_take(&text);
}

char *remote_text_shown(const struct redactor *redactor, struct str bytes, size_t max)
{
        scoped_buf struct buf shown;

        if (redactor_is_empty(redactor))
                return remote_text(bytes, max);
        buf_init(&shown, bytes.len * 3 + sizeof REDACTED); /* four characters become ten at most */
        (void)redactor_text(redactor, bytes, &shown);
        return remote_text(buf_str(&shown), max);
}
