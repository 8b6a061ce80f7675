#include "worker/terminal/screen_filter.h"

#include <stdio.h>
#include <string.h>

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

static void set_modes(struct filter *filter, const char *params, bool is_set)
{
        if (params[0] == '?' && has_number(params + 1, 1))
                filter->application_keys = is_set;
}

static void end_csi(struct filter *filter, char final, const struct filter_sink *sink)
{
        const char *params = filter->held;
        bool is_foreign = params[0] != 0 && strchr("<=>", params[0]) != NULL;

        filter->state = FILTER_GROUND;
        if (filter->is_too_long || is_foreign)
                return;
        switch (final) {
        case 'n':
                if (strcmp(params, "5") == 0)
                        sink->ask(sink->arg, FILTER_STATUS);
                else if (strcmp(params, "6") == 0)
                        sink->ask(sink->arg, FILTER_CURSOR);
                return;
        case 'c':
                if (params[0] == 0 || strcmp(params, "0") == 0)
                        sink->ask(sink->arg, FILTER_IDENTITY);
                return;
        case 't': return;
        case 's':
        case 'u':
                if (params[0] == 0)
                        pass_text(sink, final == 's' ? "\x1B" "7" : "\x1B" "8");
                return;
        case 'h':
        case 'l':
                set_modes(filter, params, final == 'h');
                pass_whole(params, final, sink);
                return;
        case 'm': pass_whole(params, final, sink); return;
        case 'p':
                if (strchr(params, '"') != NULL)
                        return; /* DECSCL */
                if (strchr(params, '!') != NULL)
                        filter->application_keys = false; /* DECSTR */
                pass_whole(params, final, sink);
                return;
        default: pass_cut(params, final, sink); return;
        }
}

static void end_escape(struct filter *filter, uint8_t final, const struct filter_sink *sink)
{
        char out[FILTER_CSI_MAX + 8];

        filter->state = FILTER_GROUND;
        if (filter->is_too_long || filter->held[0] == ' ') /* S7C1T, S8C1T */
                return;
        if (final == 'Z' && filter->held_len == 0) {
                sink->ask(sink->arg, FILTER_IDENTITY);
                return;
        }
        if (final == 'c' && filter->held_len == 0)
                filter->application_keys = false; /* RIS */
        int len = snprintf(out, sizeof out, "\x1B%s%c", filter->held, final);
        sink->pass(sink->arg, out, (size_t)len);
}

/* A byte within a sequence; controls in it take effect at once (ECMA-48 and every terminal). */
static void take(struct filter *filter, uint8_t byte, const struct filter_sink *sink)
{
        char one = (char)byte;
        bool is_csi = filter->state == FILTER_CSI;

        if (byte == ESC) {
                begin(filter, FILTER_ESCAPE);
        } else if (byte == CAN || byte == SUB || byte >= 0x80) {
                filter->state = FILTER_GROUND;
                sink->pass(sink->arg, &one, 1);
        } else if (byte < 0x20) {
                sink->pass(sink->arg, &one, 1);
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
                        sink->pass(sink->arg, (const char *)bytes, plain);
                bytes += plain;
                len -= plain;
                if (escape != NULL) {
                        begin(filter, FILTER_ESCAPE);
                        bytes++;
                        len--;
                }
        }
}
