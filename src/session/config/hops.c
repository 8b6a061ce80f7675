#include "session/config/hops.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define URI_START "ssh://"
#define SHOWN_MAX 80 /* characters of a hop in an error */

static int hex_value(char c)
{
        if (isdigit((unsigned char)c))
                return c - '0';
        return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* RFC 3986 2.1, in place. False: a % without two digits, or a NUL. */
static bool decode(char *text)
{
        char *to = text;

        for (const char *at = text; *at != 0; at++) {
                if (*at != '%') {
                        *to++ = *at;
                        continue;
                }
                int high = hex_value(at[1]);
                int low = high >= 0 ? hex_value(at[2]) : -1;
                if (low < 0 || (high == 0 && low == 0))
                        return false;
                *to++ = (char)(high << 4 | low);
                at += 2;
        }
        *to = 0;
        return true;
}

/* "ssh://user;conn-params@host:port", as OpenSSH takes it: no path, no parameters. */
static bool parse_uri(struct target *target, const char *uri, struct err *err)
{
        scoped_free char *text = xstrdup(uri + strlen(URI_START));
        size_t len = strlen(text);
        if (len > 0 && text[len - 1] == '/')
                text[len - 1] = 0; /* an empty path */
        char *at = strrchr(text, '@');
        const char *host = text;
        const char *user = NULL;

        if (at != NULL) {
                *at = 0;
                user = text;
                host = at + 1;
                if (user[0] == 0 || !decode(text) || !target_user_is_valid(user))
                        return err_set(err, ERR_INPUT, "its user name will not do");
        }
        return target_parse(target, host, user, 0, err);
}

/* `ssh -G` writes "[192.0.2.1]:22"; target.h has brackets around IPv6 addresses only. In place. */
static void take_off_brackets(char *text)
{
        char *at = strrchr(text, '@');
        char *open = at != NULL ? at + 1 : text;
        char *close = open[0] == '[' ? strchr(open, ']') : NULL;

        if (close == NULL || memchr(open, ':', (size_t)(close - open)) != NULL)
                return;
        memmove(close, close + 1, strlen(close)); /* with the NUL */
        memmove(open, open + 1, strlen(open));
}

static bool parse_hop(struct hop *hop, struct str text, struct err *err)
{
        struct err why = { 0 };

        hop->text = xstrndup(text.ptr, text.len);
        take_off_brackets(hop->text);
        bool ok = strncasecmp(hop->text, URI_START, strlen(URI_START)) == 0
                          ? parse_uri(&hop->target, hop->text, &why)
                          : target_parse(&hop->target, hop->text, NULL, 0, &why);
        if (ok)
                return true;
        const char *shown = log_quote(hop->text, strnlen(hop->text, SHOWN_MAX));
        (void)err_set(err, ERR_CONNECT,
                      "its ProxyJump names \"%s\", which is no jump host: each has to be "
                      "[user@]host[:port], of letters, digits and . _ -",
                      shown);
        hop_fini(hop);
        return false;
}

bool hops_take_last(const char *list, struct hop *out_hop, char **out_rest, struct err *err)
{
        struct hop hop = { 0 };
        const char *at = list;
        unsigned count = 0;

        for (;;) {
                size_t len = strcspn(at, ",");
                hop_fini(&hop);
                if (++count > HOPS_MAX)
                        return err_set(err, ERR_LIMIT,
                                       "its ProxyJump has more than %d jump hosts in a row, which "
                                       "is the limit",
                                       HOPS_MAX);
                if (!parse_hop(&hop, str_trim((struct str){ at, len }), err))
                        return false;
                if (at[len] == 0)
                        break;
                at += len + 1;
        }
        *out_hop = hop;
        *out_rest = at > list ? xstrndup(list, (size_t)(at - 1 - list)) : NULL;
        return true;
}

void hop_fini(struct hop *hop)
{
        free(hop->text);
        target_fini(&hop->target);
        hop->text = NULL;
}
