/*
 * Two states: passing text on until an ESC, and holding bytes as long as they can still become a
 * mark. The first byte that cannot be one turns what was held into text, and is looked at anew.
 */
#include "worker/shell/marker.h"

#include <string.h>

#define ESC '\x1B'
#define BEL '\x07'

static const char intro[] = "\x1B]" MARKER_OSC ";";
#define INTRO_LEN (sizeof intro - 1)
#define NONCE_AT  (INTRO_LEN + 2) /* behind the kind and its ';' */

void marker_init(struct marker *marker)
{
        marker->held_len = 0;
}

static bool is_nonce(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || c == '_' || c == '-';
}

static size_t nonce_len(const struct marker *marker)
{
        return marker->held[INTRO_LEN] == 'S' ? MARKER_START_LEN : MARKER_END_LEN;
}

/* Whether the byte can stand next in what is held (BEL, the end, is seen to before). */
static bool fits(const struct marker *marker, char c)
{
        size_t at = marker->held_len;

        if (at < INTRO_LEN)
                return c == intro[at];
        if (at == INTRO_LEN)
                return c == 'S' || c == 'E';
        if (at == INTRO_LEN + 1)
                return c == ';';
        if (at < NONCE_AT + nonce_len(marker))
                return is_nonce(c);
        if (marker->held[INTRO_LEN] == 'S')
                return false; /* only BEL may follow */
        return at == NONCE_AT + MARKER_END_LEN ? c == ';' : c != ESC;
}

static bool is_last(const struct marker *marker, char c)
{
        return c == BEL && marker->held_len > NONCE_AT
            && marker->held_len >= NONCE_AT + nonce_len(marker);
}

/* A whole mark is held, BEL and all. An end mark without a status is text. */
static struct marker_event judge(const struct marker *marker)
{
        size_t fields = NONCE_AT + nonce_len(marker);
        struct marker_event event = {
                .kind = MARKER_START,
                .bytes = { marker->held, marker->held_len },
                .nonce = { marker->held + NONCE_AT, nonce_len(marker) },
        };

        if (marker->held[INTRO_LEN] == 'S')
                return event;
        struct str number = { marker->held + fields, marker->held_len - fields - 1 }; /* - 1: BEL */
        if (number.len > 0) { /* past its ';' */
                number.ptr++;
                number.len--;
        }
        const char *semicolon = number.len > 0 ? memchr(number.ptr, ';', number.len) : NULL;
        if (semicolon != NULL) {
                size_t len = (size_t)(semicolon - number.ptr);
                event.rest = (struct str){ semicolon + 1, number.len - len - 1 };
                number.len = len;
        }
        event.kind = str_number(number, &event.number) ? MARKER_END : MARKER_TEXT;
        return event;
}

static struct marker_event text_event(const char *ptr, size_t len)
{
        return (struct marker_event){ .kind = MARKER_TEXT, .bytes = { ptr, len } };
}

static struct marker_event pass_text(const uint8_t **bytes, size_t *len)
{
        const uint8_t *escape = memchr(*bytes, ESC, *len);
        size_t run = escape != NULL ? (size_t)(escape - *bytes) : *len;
        struct marker_event event = text_event((const char *)*bytes, run);

        *bytes += run;
        *len -= run;
        return event;
}

struct marker_event marker_next(struct marker *marker, const uint8_t **bytes, size_t *len)
{
        if (*len > 0 && marker->held_len == 0 && **bytes != ESC)
                return pass_text(bytes, len);
        while (*len > 0) {
                char c = (char)**bytes;
                bool ends = is_last(marker, c);
                if (!ends && !fits(marker, c)) {
                        size_t held_len = marker->held_len;
                        marker->held_len = 0; /* the byte stays: it may begin a mark itself */
                        return text_event(marker->held, held_len);
                }
                if (marker->held_len == MARKER_MAX) {
                        marker->held_len = 0;
                        return text_event(marker->held, MARKER_MAX);
                }
                marker->held[marker->held_len++] = c;
                (*bytes)++;
                (*len)--;
                if (ends) {
                        struct marker_event event = judge(marker);
                        marker->held_len = 0;
                        return event;
                }
        }
        return (struct marker_event){ .kind = MARKER_MORE };
}
