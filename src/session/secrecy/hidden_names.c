#include "session/secrecy/hidden_names.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void hidden_names_add(struct hidden_names *names, const char *name, const char *shown)
{
        if (name == NULL || name[0] == 0 || names->count == HIDDEN_NAMES_MAX)
                return;
        names->items[names->count++] = (struct hidden_name){ xstrdup(name), xstrdup(shown) };
}

void hidden_names_fini(struct hidden_names *names)
{
        for (unsigned i = 0; i < names->count; i++) {
                free(names->items[i].name);
                free(names->items[i].shown);
        }
        *names = (struct hidden_names){ .count = 0 };
}

static bool goes_on(char byte)
{
        return byte != 0 && (isalnum((unsigned char)byte) || strchr("_-/", byte) != NULL);
}

/* "web.lan" is not in "web.lan2" or "x.web.lan", but is before a full stop. */
static bool is_whole(const char *text, const char *at, size_t len)
{
        const char *end = at + len;

        if (at > text && (goes_on(at[-1]) || at[-1] == '.'))
                return false;
        return !goes_on(*end) && !(*end == '.' && goes_on(end[1]));
}

static const struct hidden_name *find(const struct hidden_names *names, const char *text,
                                      const char *at)
{
        for (unsigned i = 0; i < names->count; i++) {
                const char *name = names->items[i].name;
                size_t len = strlen(name);
                if (strncasecmp(at, name, len) == 0 && is_whole(text, at, len))
                        return &names->items[i];
        }
        return NULL;
}

void hidden_names_replace(const struct hidden_names *names, const char *text, struct buf *out)
{
        const char *at = text;

        while (*at != 0) {
                const struct hidden_name *found = find(names, text, at);
                if (found == NULL) {
                        (void)buf_append(out, at++, 1); /* full: cut */
                        continue;
                }
                (void)buf_append_str(out, found->shown);
                at += strlen(found->name);
        }
}
