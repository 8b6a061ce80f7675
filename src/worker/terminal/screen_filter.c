#include "worker/terminal/screen_filter.h"

#include <stdio.h>
#include <string.h>

#define BEL 0x07
#define ESC 0x1B
#define CAN 0x18
#define SUB 0x1A

static void pass_text(const struct filter_sink *sink, const char *text)
{
        sink->pass(sink->arg, text, strlen(text));
}

static void hold(struct filter *filter, uint8_t byte)
{
        if (filter->held_len < sizeof filter->held - 1)
                filter->held[filter->held_len++] = (char)byte;
        else
                filter->is_too_long = true;
        filter->held[filter->held_len] = 0;
}

static void begin(struct filter *filter, enum filter_state state)
{
        filter->state = state;
        filter->held_len = 0;
        filter->held[0] = 0;
        filter->is_too_long = false;
}

/* Is this number among the parameters "?1;25"? */
static bool has_number(const char *params, unsigned wanted)
{
        unsigned number = 0;

        for (const char *at = params;; at++) {
                if (*at >= '0' && *at <= '9') {
                        number = number < 100000 ? number * 10 + (unsigned)(*at - '0') : number;
                        continue;
                }
                if (number == wanted)
                        return true;
                if (*at == 0)
                        return false;
                number = 0;
        }
}

/* The parameters with every number cut to FILTER_NUMBER_MAX. */
static void pass_cut(const char *params, char final, const struct filter_sink *sink)
{
        char out[FILTER_CSI_MAX + 8] = "\x1B[";
        size_t len = 2;

        for (const char *at = params; *at != 0;) {
                size_t digits = strspn(at, "0123456789");
                const char *from = at;
                at += digits;
                if (digits == 0)
                        at++;
                while (digits > 1 && *from == '0') {
                        from++;
                        digits--;
                }
                if (digits > 3) {
                        (void)snprintf(out + len, sizeof out - len, "%d", FILTER_NUMBER_MAX);
                        len += 3;
                        continue;
                }
                memcpy(out + len, from, (size_t)(at - from));
                len += (size_t)(at - from);
        }
        out[len++] = final;
        sink->pass(sink->arg, out, len);
}

static void pass_whole(const char *params, char final, const struct filter_sink *sink)
{
        char out[FILTER_CSI_MAX + 8];
        int len = snprintf(out, sizeof out, "\x1B[%s%c", params, final);

        sink->pass(sink->arg, out, (size_t)len);
}

/* ---- control sequences ---- */

/* The number at this place, cut; 0: none. */
static unsigned number_at(const char *params, unsigned place)
{
        unsigned number = 0;

        for (const char *at = params; *at != 0; at++) {
                if (*at == ';' && place-- == 0)
                        break;
                if (*at >= '0' && *at <= '9' && place == 0)
                        number = number < 1000 ? number * 10 + (unsigned)(*at - '0') : number;
        }
        return number < FILTER_NUMBER_MAX ? number : FILTER_NUMBER_MAX;
}

static void set_modes(struct filter *filter, const char *params, bool is_set,
                      const struct filter_sink *sink)
{
        bool is_private = params[0] == '?';

        if (strcmp(params, "?1049") == 0) {
                sink->order(sink->arg, is_set ? FILTER_ALTERNATE_ON : FILTER_ALTERNATE_OFF, 0);
                return;
        }
        if (is_private && has_number(params + 1, 1))
                filter->application_keys = is_set;
        pass_whole(params, is_set ? 'h' : 'l', sink);
        if (is_private && has_number(params + 1, 6))
                pass_text(sink, "\x1B[H"); /* DECOM */
}

static void set_region(const char *params, const struct filter_sink *sink)
{
        if (params[0] == '?')
                return; /* modes that were never saved */
        pass_cut(params, 'r', sink);
        sink->order(sink->arg, FILTER_REGION_TOP, number_at(params, 0));
        sink->order(sink->arg, FILTER_REGION_BOTTOM, number_at(params, 1));
        pass_text(sink, "\x1B[H");
}

static void answer(const char *params, char final, const struct filter_sink *sink)
{
        if (final == 'c' && (params[0] == 0 || strcmp(params, "0") == 0))
                sink->ask(sink->arg, FILTER_IDENTITY);
        else if (final == 'n' && strcmp(params, "5") == 0)
                sink->ask(sink->arg, FILTER_STATUS);
        else if (final == 'n' && strcmp(params, "6") == 0)
                sink->ask(sink->arg, FILTER_CURSOR);
}

static void soft_reset(struct filter *filter, const char *params, const struct filter_sink *sink)
{
        if (strcmp(params, "!") != 0)
                return;
        filter->application_keys = false;
        sink->order(sink->arg, FILTER_REGION_TOP, 0);
        sink->order(sink->arg, FILTER_REGION_BOTTOM, 0);
        pass_whole(params, 'p', sink);
}

static bool is_foreign(const char *params, char final)
{
        return (params[0] != 0 && strchr("<=>", params[0]) != NULL)
            || (final != 'p' && strpbrk(params, " !\"#$%&'()*+,-./") != NULL);
}

static void end_csi(struct filter *filter, char final, const struct filter_sink *sink)
{
        const char *params = filter->held;

        filter->state = FILTER_GROUND;
        if (filter->is_too_long || is_foreign(params, final))
                return;
        switch (final) {
        case 'n':
        case 'c': answer(params, final, sink); return;
        case 't': return;
        case 's':
        case 'u':
                if (params[0] == 0)
                        pass_text(sink, final == 's' ? "\x1B" "7" : "\x1B" "8");
                return;
        case 'a': pass_cut(params, 'C', sink); return;
        case 'e': pass_cut(params, 'B', sink); return;
        case '`': pass_cut(params, 'G', sink); return;
        case 'E':
        case 'F':
                pass_cut(params, final == 'E' ? 'B' : 'A', sink);
                pass_text(sink, "\r");
                return;
        case 'b': sink->order(sink->arg, FILTER_REPEAT, number_at(params, 0)); return;
        case 'r': set_region(params, sink); return;
        case 'K':
                if (params[0] == 0 || strcmp(params, "0") == 0)
                        sink->order(sink->arg, FILTER_ERASE_RIGHT, 0);
                else
                        pass_cut(params, final, sink);
                return;
        case 'h':
        case 'l': set_modes(filter, params, final == 'h', sink); return;
        case 'm': pass_whole(params, final, sink); return;
        case 'p': soft_reset(filter, params, sink); return;
        default: pass_cut(params, final, sink); return;
        }
}

/* ---- other sequences ---- */

static void reset(struct filter *filter, const struct filter_sink *sink)
{
        filter->application_keys = false;
        sink->order(sink->arg, FILTER_REGION_TOP, 0);
        sink->order(sink->arg, FILTER_REGION_BOTTOM, 0);
        pass_text(sink, "\x1B" "c");
}

static void begin_string(struct filter *filter, uint8_t kind)
{
        filter->state = FILTER_STRING;
        filter->is_osc = kind == ']';
        filter->string_len = 0;
}

static void end_escape(struct filter *filter, uint8_t final, const struct filter_sink *sink)
{
        char out[FILTER_CSI_MAX + 8];
        bool is_plain = filter->held_len == 0;

        filter->state = FILTER_GROUND;
        if (filter->is_too_long || filter->held[0] == ' ') /* S7C1T, S8C1T */
                return;
        if (strcmp(filter->held, "#") == 0) {
                if (final == '8')
                        sink->order(sink->arg, FILTER_ALIGNMENT, 0);
                return;
        }
        switch (is_plain ? final : 0) {
        case 'Z': sink->ask(sink->arg, FILTER_IDENTITY); return;
        case 'D': sink->order(sink->arg, FILTER_INDEX, 0); return;
        case 'M': sink->order(sink->arg, FILTER_REVERSE_INDEX, 0); return;
        case 'E': sink->order(sink->arg, FILTER_NEXT_LINE, 0); return;
        case 'c': reset(filter, sink); return;
        case '\\': return; /* the end of a string */
        case ']':
        case 'P':
        case 'X':
        case '^':
        case '_': begin_string(filter, final); return;
        default: break;
        }
        int len = snprintf(out, sizeof out, "\x1B%s%c", filter->held, final);
        sink->pass(sink->arg, out, (size_t)len);
}

static void end_string(struct filter *filter, const struct filter_sink *sink)
{
        filter->state = FILTER_GROUND;
        if (!filter->is_osc)
                return;
        bool is_whole = filter->string_len <= FILTER_OSC_MAX;
        sink->osc(sink->arg, (struct str){ filter->string,
                                           is_whole ? filter->string_len : 2 });
}

/* One byte of a string; ESC ends it, whether a backslash follows or not. */
static void take_string(struct filter *filter, uint8_t byte, const struct filter_sink *sink)
{
        if (byte == ESC || (byte == BEL && filter->is_osc)) {
                end_string(filter, sink);
                if (byte == ESC)
                        begin(filter, FILTER_ESCAPE);
        } else if (byte == CAN || byte == SUB || filter->string_len >= FILTER_STRING_MAX) {
                filter->state = FILTER_GROUND;
        } else {
                if (filter->string_len < FILTER_OSC_MAX)
                        filter->string[filter->string_len] = (char)byte;
                filter->string_len++;
        }
}

/* A byte within a sequence; controls in it take effect at once (ECMA-48 and every terminal). */
static void take(struct filter *filter, uint8_t byte, const struct filter_sink *sink)
{
        char one = (char)byte;
        bool is_csi = filter->state == FILTER_CSI;

        if (filter->state == FILTER_STRING) {
                take_string(filter, byte, sink);
        } else if (byte == ESC) {
                begin(filter, FILTER_ESCAPE);
        } else if (byte == CAN || byte == SUB) {
                filter->state = FILTER_GROUND;
        } else if (byte >= 0x80) {
                filter->state = FILTER_GROUND;
                sink->text(sink->arg, &byte, 1);
        } else if (byte < 0x20) {
                sink->text(sink->arg, &byte, 1);
        } else if (byte == 0x7F) {
                return;
        } else if (is_csi && byte >= 0x40) {
                end_csi(filter, one, sink);
        } else if (is_csi || byte < 0x30) {
                hold(filter, byte);
                if (!is_csi)
                        filter->state = FILTER_INTERMEDIATE;
        } else if (filter->state == FILTER_ESCAPE && byte == '[') {
                begin(filter, FILTER_CSI);
        } else {
                end_escape(filter, byte, sink);
        }
}

void filter_feed(struct filter *filter, const uint8_t *bytes, size_t len,
                 const struct filter_sink *sink)
{
        while (len > 0) {
                if (filter->state != FILTER_GROUND) {
                        take(filter, *bytes++, sink);
                        len--;
                        continue;
                }
                const uint8_t *escape = memchr(bytes, ESC, len);
                size_t plain = escape != NULL ? (size_t)(escape - bytes) : len;
                if (plain > 0)
                        sink->text(sink->arg, bytes, plain);
                bytes += plain;
                len -= plain;
                if (escape != NULL) {
                        begin(filter, FILTER_ESCAPE);
                        bytes++;
                        len--;
                }
        }
}
