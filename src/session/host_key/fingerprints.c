#include "session/host_key/fingerprints.h"

#include "session/digest.h"

#include <string.h>

#define PREFIX "SHA256:"
#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static bool is_separator(char c)
{
        return c == ',' || c == ' ' || c == '\t';
}

/* Cuts the next one off a list; false at its end. */
static bool next(struct str *list, struct str *out_one)
{
        size_t begin = 0;

        while (begin < list->len && is_separator(list->ptr[begin]))
                begin++;
        size_t end = begin;
        while (end < list->len && !is_separator(list->ptr[end]))
                end++;
        *out_one = (struct str){ list->ptr + begin, end - begin };
        *list = (struct str){ list->ptr + end, list->len - end };
        return out_one->len > 0;
}

static bool is_valid(struct str one)
{
        if (one.len != FINGERPRINT_LEN || !str_starts(one, PREFIX))
                return false;
        for (size_t i = strlen(PREFIX); i < one.len; i++)
                if (one.ptr[i] == 0 || strchr(DIGITS, one.ptr[i]) == NULL)
                        return false;
        return true;
}

bool fingerprints_are_valid(struct str list)
{
        bool has_any = false;
        struct str one;

        while (next(&list, &one)) {
                if (!is_valid(one))
                        return false;
                has_any = true;
        }
        return has_any;
}

bool fingerprints_have(struct str list, const char *fingerprint)
{
        struct str one;

        while (next(&list, &one))
                if (str_is(one, fingerprint))
                        return true;
        return false;
}
