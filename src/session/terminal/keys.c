#include "session/terminal/keys.h"

#include "base/log.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 24 /* of a key with its repetition; longer is none */

struct key {
        const char *name;
        const char *bytes;
        const char *application; /* in application cursor key mode; NULL: the same */
};

static const struct key keys[] = {
        { "enter", "\r", NULL },
        { "return", "\r", NULL },
        { "esc", "\x1B", NULL },
        { "escape", "\x1B", NULL },
        { "tab", "\t", NULL },
        { "space", " ", NULL },
        { "lt", "<", NULL },
        { "gt", ">", NULL },
        { "backspace", "\x7F", NULL },
        { "delete", "\x1B[3~", NULL },
        { "insert", "\x1B[2~", NULL },
        { "up", "\x1B[A", "\x1BOA" },
        { "down", "\x1B[B", "\x1BOB" },
        { "right", "\x1B[C", "\x1BOC" },
        { "left", "\x1B[D", "\x1BOD" },
        { "home", "\x1B[H", "\x1BOH" },
        { "end", "\x1B[F", "\x1BOF" },
        { "pageup", "\x1B[5~", NULL },
        { "pagedown", "\x1B[6~", NULL },
        { "shift-tab", "\x1B[Z", NULL },
        { "f1", "\x1BOP", NULL },
        { "f2", "\x1BOQ", NULL },
        { "f3", "\x1BOR", NULL },
        { "f4", "\x1BOS", NULL },
        { "f5", "\x1B[15~", NULL },
        { "f6", "\x1B[17~", NULL },
        { "f7", "\x1B[18~", NULL },
        { "f8", "\x1B[19~", NULL },
        { "f9", "\x1B[20~", NULL },
        { "f10", "\x1B[21~", NULL },
        { "f11", "\x1B[23~", NULL },
        { "f12", "\x1B[24~", NULL },
};

static const struct key *find_key(struct str name)
{
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                if (strlen(keys[i].name) == name.len
                    && strncasecmp(keys[i].name, name.ptr, name.len) == 0)
                        return &keys[i];
        return NULL;
}

static bool has_prefix(struct str name, const char *prefix, struct str *out_rest)
{
        size_t len = strlen(prefix);

        if (name.len <= len || strncasecmp(name.ptr, prefix, len) != 0)
                return false;
        *out_rest = (struct str){ name.ptr + len, name.len - len };
        return true;
}

/* The control character of X: those that a keyboard has. */
static bool find_control(struct str x, char *out)
{
        const struct key *key = find_key(x);
        char at = x.len == 1 ? x.ptr[0] : key != NULL && strcmp(key->name, "space") == 0 ? ' ' : '\0';

        if (at >= 'a' && at <= 'z')
                *out = (char)(at - 'a' + 1);
        else if (at >= '@' && at <= '_')
                *out = (char)(at - '@');
        else if (at == ' ' || at == '2')
                *out = '\0';
        else if (at == '?' || at == '8')
                *out = 0x7F;
        else if (at >= '3' && at <= '7')
                *out = (char)(at - '3' + 0x1B);
        else if (at == '/' || at == '-')
                *out = 0x1F;
        else
                return false;
        return true;
}

/* One key without its repetition; false: there is none of that name. */
static bool write_key(struct buf *out, struct str name, enum keys_mode mode)
{
        const struct key *key = find_key(name);
        struct str rest;
        char control;

        if (key != NULL)
                return buf_append_str(out, mode == KEYS_APPLICATION && key->application != NULL
                                                   ? key->application
                                                   : key->bytes);
        if (has_prefix(name, "ctrl-", &rest) && find_control(rest, &control))
                return buf_append(out, &control, 1);
        if (!has_prefix(name, "alt-", &rest))
                return false;
        size_t one = 0;
        bool is_character = utf8_next((const uint8_t *)rest.ptr, rest.len, &one) == UTF8_VALID
                         && one == rest.len && (uint8_t)rest.ptr[0] > ' ';
        if (is_character)
                return buf_append_byte(out, 0x1B) && buf_append(out, rest.ptr, rest.len);
        size_t begin = out->len;
        if (buf_append_byte(out, 0x1B) && !has_prefix(rest, "alt-", &rest)
            && write_key(out, rest, mode))
                return true;
        out->len = begin;
        return false;
}

static bool unknown(struct str token, struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "there is no key %s; nothing was typed. Keys are <enter> <esc> <tab> <space> "
                       "<up> <pagedown> <f1> <ctrl-c> <alt-x> and the like; a literal < is << or "
                       "<lt>.",
                       log_quote(token.ptr, token.len < NAME_MAX_BYTES ? token.len
                                                                       : NAME_MAX_BYTES));
}

/* "down*5" is down and 5; false: the number is none. */
static bool split_count(struct str *name, long long *out_count)
{
        const char *star = name->len > 1 ? memrchr(name->ptr + 1, '*', name->len - 1) : NULL;

        *out_count = 1;
        if (star == NULL || star[-1] == '-') /* <alt-*> */
                return true;
        struct str number = { star + 1, (size_t)(name->ptr + name->len - star - 1) };
        name->len = (size_t)(star - name->ptr);
        return str_number(number, out_count) && *out_count >= 1;
}

/* The token with its brackets. */
static bool write_token(struct buf *out, struct str token, enum keys_mode mode, struct err *err)
{
        struct str name = { token.ptr + 1, token.len - 2 };
        long long count;

        if (!split_count(&name, &count) || name.len == 0)
                return unknown(token, err);
        if (count > KEYS_REPEAT_MAX)
                return err_set(err, ERR_LIMIT,
                               "%s repeats more than %d times; nothing was typed.",
                               log_quote(token.ptr, token.len), KEYS_REPEAT_MAX);
        for (long long i = 0; i < count && out->len <= KEYS_BYTES_MAX; i++)
                if (!write_key(out, name, mode))
                        return unknown(token, err);
        return true;
}

/* From the < on: the token, or "" where there is none. */
static struct str find_token(struct str rest)
{
        size_t most = rest.len < NAME_MAX_BYTES ? rest.len : NAME_MAX_BYTES;
        const char *end = most > 2 ? memchr(rest.ptr + 2, '>', most - 2) : NULL; /* <alt->> */

        if (end != NULL && end[-1] == '-' && (size_t)(end + 1 - rest.ptr) < most && end[1] == '>')
                end++;
        return (struct str){ rest.ptr, end != NULL ? (size_t)(end + 1 - rest.ptr) : 0 };
}

static bool write_plain(struct buf *out, struct str text, size_t at)
{
        bool is_after_cr = at > 0 && text.ptr[at - 1] == '\r';

        if (text.ptr[at] == '\n')
                return is_after_cr || buf_append_byte(out, '\r');
        return buf_append(out, text.ptr + at, 1);
}

bool keys_write(struct buf *out, struct str text, enum keys_mode mode, struct err *err)
{
        bool has_room = true;

        for (size_t at = 0; at < text.len && has_room;) {
                struct str rest = { text.ptr + at, text.len - at };
                if (rest.ptr[0] != '<') {
                        has_room = write_plain(out, text, at++);
                } else if (rest.len > 1 && rest.ptr[1] == '<') {
                        has_room = buf_append_byte(out, '<');
                        at += 2;
                } else {
                        struct str token = find_token(rest);
                        if (token.len == 0)
                                return unknown(rest, err);
                        if (!write_token(out, token, mode, err))
                                return false;
                        at += token.len;
                }
                has_room = has_room && out->len <= KEYS_BYTES_MAX;
        }
        return has_room
            || err_set(err, ERR_LIMIT,
                       "the keys become more than %d bytes; nothing was typed. Send fewer at a time.",
                       KEYS_BYTES_MAX);
}
