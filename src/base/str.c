#include "base/str.h"

#include <string.h>

#define NUMBER_DIGITS_MAX 18 /* fits a long long without a look at overflow */

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
        return is_blank(c) || c == '\r' || c == '\n';
}

struct str str_of(const char *text)
{
        return (struct str){ text, strlen(text) };
}

bool str_is(struct str str, const char *text)
{
        size_t len = strlen(text);

        return str.len == len && (len == 0 || memcmp(str.ptr, text, len) == 0);
}

bool str_starts(struct str str, const char *prefix)
{
        size_t len = strlen(prefix);

        return str.len >= len && (len == 0 || memcmp(str.ptr, prefix, len) == 0);
}

const char *str_find_last(struct str str, char byte)
{
        while (str.len > 0)
                if (str.ptr[--str.len] == byte)
                        return str.ptr + str.len;
        return NULL;
}

struct str str_trim(struct str str)
{
        while (str.len > 0 && is_space(str.ptr[0])) {
                str.ptr++;
                str.len--;
        }
        while (str.len > 0 && is_space(str.ptr[str.len - 1]))
                str.len--;
        return str;
}

struct str str_word(struct str *rest)
{
        size_t begin = 0;

        if (rest->len == 0)
                return *rest;
        while (begin < rest->len && is_blank(rest->ptr[begin]))
                begin++;
        size_t end = begin;
        while (end < rest->len && !is_blank(rest->ptr[end]))
                end++;

        struct str word = { rest->ptr + begin, end - begin };
        rest->ptr += end;
        rest->len -= end;
        return word;
}

/* Up to the separator, which is dropped, or to the end. */
static bool cut(struct str *rest, char separator, struct str *out)
{
        if (rest->len == 0)
                return false;

        const char *end = memchr(rest->ptr, separator, rest->len);
        size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
        size_t used = end != NULL ? len + 1 : len;

        *out = (struct str){ rest->ptr, len };
        rest->ptr += used;
        rest->len -= used;
        return true;
}

bool str_line(struct str *rest, struct str *out_line)
{
        if (!cut(rest, '\n', out_line))
                return false;
        if (out_line->len > 0 && out_line->ptr[out_line->len - 1] == '\r')
                out_line->len--;
        return true;
}

bool str_item(struct str *rest, struct str *out_item)
{
        return cut(rest, ',', out_item);
}

bool str_number(struct str str, long long *out_number)
{
        long long number = 0;

        if (str.len == 0 || str.len > NUMBER_DIGITS_MAX)
                return false;
        for (size_t i = 0; i < str.len; i++) {
                if (str.ptr[i] < '0' || str.ptr[i] > '9')
                        return false;
                number = number * 10 + (str.ptr[i] - '0');
        }
        *out_number = number;
        return true;
}
