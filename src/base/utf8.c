#include "base/utf8.h"

#include <string.h>

static bool is_follower(uint8_t byte)
{
        return (byte & 0xC0) == 0x80;
}

/* How many bytes a character has that begins with this one; 0: none begins so. */
static size_t length_by_lead(uint8_t lead)
{
        if (lead < 0x80)
                return 1;
        if (lead < 0xC2)
                return 0; /* a follower, or overlong */
        if (lead < 0xE0)
                return 2;
        if (lead < 0xF0)
                return 3;
        return lead < 0xF5 ? 4 : 0;
}

/* The second byte alone tells overlong forms, surrogates and what is above U+10FFFF. */
static bool second_fits(uint8_t lead, uint8_t second)
{
        switch (lead) {
        case 0xE0: return second >= 0xA0;
        case 0xED: return second < 0xA0;
        case 0xF0: return second >= 0x90;
        case 0xF4: return second < 0x90;
        default:   return true;
        }
}

enum utf8_result utf8_next(const uint8_t *bytes, size_t len, size_t *out_len)
{
        size_t need = length_by_lead(bytes[0]);

        *out_len = 1;
        if (need == 0)
                return UTF8_INVALID;
        for (size_t i = 1; i < need; i++) {
                if (i == len)
                        return UTF8_INCOMPLETE;
                if (!is_follower(bytes[i]) || (i == 1 && !second_fits(bytes[0], bytes[1])))
                        return UTF8_INVALID;
                *out_len = i + 1;
        }
        return UTF8_VALID;
}

bool utf8_is_valid(const void *bytes, size_t len)
{
        const uint8_t *at = bytes;
        size_t step;

        for (; len > 0; at += step, len -= step)
                if (utf8_next(at, len, &step) != UTF8_VALID)
                        return false;
        return true;
}

bool str_utf8_repair(struct buf *out, const void *bytes, size_t len)
{
        const uint8_t *at = bytes;

        while (len > 0) {
                size_t good = 0;
                size_t step = 0;
                enum utf8_result result = UTF8_VALID;
                while (good < len && (result = utf8_next(at + good, len - good, &step)) == UTF8_VALID)
                        good += step;
                if (!buf_append(out, at, good))
                        return false;
                if (good == len)
                        return true;
                if (!buf_append_str(out, "\xEF\xBF\xBD"))
                        return false;
                good += result == UTF8_INCOMPLETE ? len - good : step;
                at += good;
                len -= good;
        }
        return true;
}

size_t utf8_cut(const char *text, size_t len)
{
        size_t begin = len;
        size_t step;

        while (begin > 0 && len - begin < 4) {
                begin--;
                if (is_follower((uint8_t)text[begin]))
                        continue;
                enum utf8_result result = utf8_next((const uint8_t *)text + begin, len - begin, &step);
                return result == UTF8_INCOMPLETE ? begin : len;
        }
        return len;
}
