#include "session/secrecy/secret_forms.h"

#include "base/buf.h"
#include "base/secret.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define GROWTH_MAX 6 /* a byte becomes at most so many: \u0001 */

/* One byte (escape_utf8: one character) of a secret, as some form of it writes that. */
typedef void escape(struct buf *out, uint8_t byte);

static void put(struct buf *out, const char *text)
{
        (void)buf_append_str(out, text); /* room was made for the longest form */
}

static void put_byte(struct buf *out, uint8_t byte)
{
        (void)buf_append_byte(out, byte);
}

static void put_hex(struct buf *out, const char *prefix, uint8_t byte, bool is_upper)
{
        const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";

        put(out, prefix);
        put_byte(out, (uint8_t)digits[byte >> 4]);
        put_byte(out, (uint8_t)digits[byte & 15]);
}

static bool is_one_of(uint8_t byte, const char *set)
{
        return byte != 0 && strchr(set, byte) != NULL;
}

/* ---- byte by byte ---- */

static void as_is(struct buf *out, uint8_t byte)
{
        put_byte(out, byte);
}

static void hex_lower(struct buf *out, uint8_t byte)
{
        put_hex(out, "", byte, false);
}

static void hex_upper(struct buf *out, uint8_t byte)
{
        put_hex(out, "", byte, true);
}

static void percent(struct buf *out, uint8_t byte, bool is_upper)
{
        if (byte < 0x80 && (isalnum(byte) || is_one_of(byte, "-._~")))
                put_byte(out, byte);
        else
                put_hex(out, "%", byte, is_upper);
}

static void percent_upper(struct buf *out, uint8_t byte)
{
        percent(out, byte, true);
}

static void percent_lower(struct buf *out, uint8_t byte)
{
        percent(out, byte, false);
}

static void percent_form(struct buf *out, uint8_t byte)
{
        if (byte == ' ')
                put_byte(out, '+');
        else
                percent(out, byte, true);
}

static void shell_single(struct buf *out, uint8_t byte)
{
        if (byte == '\'')
                put(out, "'\\''");
        else
                put_byte(out, byte);
}

static void shell_single_by_double(struct buf *out, uint8_t byte)
{
        if (byte == '\'')
                put(out, "'\"'\"'");
        else
                put_byte(out, byte);
}

static void shell_double(struct buf *out, uint8_t byte)
{
        if (is_one_of(byte, "\"$`\\"))
                put_byte(out, '\\');
        put_byte(out, byte);
}

static void shell_backslash(struct buf *out, uint8_t byte)
{
        if (byte < 0x80 && !isalnum(byte) && !is_one_of(byte, "%+,-./:=@_"))
                put_byte(out, '\\');
        put_byte(out, byte);
}

static void shell_ansi(struct buf *out, uint8_t byte)
{
        if (is_one_of(byte, "'\\"))
                put_byte(out, '\\');
        put_byte(out, byte);
}

static void json_control(struct buf *out, uint8_t byte)
{
        static const char letters[] = "btnvfr"; /* from \b, 8, on; \v is none of JSON's */

        if (byte >= 8 && byte <= 13 && byte != 11) {
                put_byte(out, '\\');
                put_byte(out, (uint8_t)letters[byte - 8]);
        } else {
                put_hex(out, "\\u00", byte, false);
        }
}

static void json(struct buf *out, uint8_t byte)
{
        if (byte < 0x20) {
                json_control(out, byte);
                return;
        }
        if (is_one_of(byte, "\"\\"))
                put_byte(out, '\\');
        put_byte(out, byte);
}

static void json_with_slash(struct buf *out, uint8_t byte)
{
        if (byte == '/')
                put_byte(out, '\\');
        json(out, byte);
}

static void quoted_for_log(struct buf *out, uint8_t byte)
{
        if (byte < 0x80 && isprint(byte) && byte != '\\')
                put_byte(out, byte);
        else
                put_hex(out, "\\x", byte, false);
}

static escape *const escapes[] = {
        as_is,           hex_lower,       hex_upper,    percent_upper,
        percent_lower,   percent_form,    shell_single, shell_single_by_double,
        shell_double,    shell_backslash, shell_ansi,   json,
        json_with_slash, quoted_for_log,
};

/* ---- not byte by byte ---- */

static void put_u16(struct buf *out, uint32_t unit)
{
        put_hex(out, "\\u", (uint8_t)(unit >> 8), false);
        put_hex(out, "", (uint8_t)unit, false);
}

/* JSON of ASCII only: each character beyond it as \uXXXX, or a pair of them. */
static void json_ascii(struct buf *out, struct str secret)
{
        const uint8_t *bytes = (const uint8_t *)secret.ptr;
        size_t step;

        for (size_t at = 0; at < secret.len; at += step) {
                step = 1;
                if (bytes[at] < 0x80
                    || utf8_next(bytes + at, secret.len - at, &step) != UTF8_VALID) {
                        json(out, bytes[at]);
                        step = 1;
                        continue;
                }
                uint32_t code = bytes[at] & (0xFFu >> (step + 1));
                for (size_t i = 1; i < step; i++)
                        code = code << 6 | (bytes[at + i] & 0x3Fu);
                if (code >= 0x10000)
                        put_u16(out, 0xD800 + ((code - 0x10000) >> 10));
                put_u16(out, code >= 0x10000 ? 0xDC00 + (code & 0x3FF) : code);
        }
}

/*
 * The digits that depend on the secret alone, when `before` bytes of a group of three come
 * before it: the digit that shares bits with what is before or behind is left out.
 */
static void base64(struct buf *out, struct str secret, unsigned before, const char *last_two)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const uint8_t *bytes = (const uint8_t *)secret.ptr;
        size_t first_bit = (6 - before * 8 % 6) % 6;

        for (size_t bit = first_bit; bit + 6 <= secret.len * 8; bit += 6) {
                unsigned pair = (unsigned)bytes[bit / 8] << 8;
                if (bit / 8 + 1 < secret.len)
                        pair |= bytes[bit / 8 + 1];
                unsigned digit = pair >> (10 - bit % 8) & 63;
                put_byte(out, (uint8_t)(digit < 62 ? digits[digit] : last_two[digit - 62]));
        }
}

static void tell(struct buf *form, secret_form_visit *visit, void *arg)
{
        if (form->len > 0)
                visit(arg, buf_str(form));
        buf_reset(form);
}

void secret_forms_each(struct str secret, secret_form_visit *visit, void *arg)
{
        struct buf form;

        buf_init(&form, secret.len * GROWTH_MAX + 1);
        if (!buf_reserve(&form, secret.len * GROWTH_MAX)) /* at once: growing leaves copies */
                return;
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
                for (size_t at = 0; at < secret.len; at++)
                        escapes[i](&form, (uint8_t)secret.ptr[at]);
                tell(&form, visit, arg);
        }
        json_ascii(&form, secret);
        tell(&form, visit, arg);
        for (unsigned before = 0; before < 3; before++) {
                base64(&form, secret, before, "+/");
                tell(&form, visit, arg);
                base64(&form, secret, before, "-_");
                tell(&form, visit, arg);
        }
        secret_wipe(form.data, form.cap);
        buf_fini(&form);
}
