#include "session/config/target.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

static bool is_word_char(char c)
{
        return isalnum((unsigned char)c) || c == '_';
}

static bool all_in(const char *text, size_t len, const char *also)
{
        for (size_t i = 0; i < len; i++)
                if ((text[i] & 0x80) != 0
                    || !(is_word_char(text[i]) || strchr(also, text[i]) != NULL))
                        return false;
        return true;
}

static bool is_ipv6(const char *host)
{
        struct in6_addr address;

        return inet_pton(AF_INET6, host, &address) == 1;
}

bool target_host_is_valid(const char *host)
{
        size_t len = strnlen(host, TARGET_HOST_MAX + 1);

        if (is_ipv6(host))
                return true;
        return len > 0 && len <= TARGET_HOST_MAX && is_word_char(host[0])
               && all_in(host, len, "._-");
}

bool target_user_is_valid(const char *user)
{
        size_t len = strnlen(user, TARGET_USER_MAX + 1);

        return len > 0 && len <= TARGET_USER_MAX && is_word_char(user[0])
               && all_in(user, len, "._@\\-");
}

static bool bad_host(const char *given, struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "host \"%s\" is not a host: give a name, an alias of ~/.ssh/config, an "
                       "address, user@host or user@host:port (letters, digits, . _ - only; an IPv6 "
                       "address with a port as [address]:port).",
                       log_quote(given, strlen(given)));
}

static bool bad_user(const char *given, struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "user name \"%s\" will not do: at most %d of letters, digits, . _ - @ \\, "
                       "beginning with a letter, digit or _.",
                       log_quote(given, strlen(given)), TARGET_USER_MAX);
}

static bool parse_port(const char *text, int *out_port, struct err *err)
{
        long long number;

        if (!str_number(str_of(text), &number) || number < 1 || number > PORT_MAX)
                return err_set(err, ERR_INPUT, "port \"%s\" is not a number from 1 to %d.",
                               log_quote(text, strlen(text)), PORT_MAX);
        *out_port = (int)number;
        return true;
}

/* Cuts ":port" off the text where there is one, and brackets; the host is what is left. */
static bool split_port(char *text, char **out_host, const char **out_port)
{
        char *colon = strchr(text, ':');

        *out_host = text;
        *out_port = NULL;
        if (text[0] == '[') {
                char *close = strchr(text, ']');
                if (close == NULL || (close[1] != 0 && close[1] != ':'))
                        return false;
                *out_host = text + 1;
                *out_port = close[1] == ':' ? close + 2 : NULL;
                *close = 0;
                return is_ipv6(*out_host);
        }
        if (colon != NULL && strchr(colon + 1, ':') == NULL) {
                *colon = 0;
                *out_port = colon + 1;
        }
        return true;
}

static bool take_user(struct target *target, const char *in_host, const char *username,
                      struct err *err)
{
        bool is_given = username != NULL && username[0] != 0;

        if (in_host != NULL && is_given && strcmp(in_host, username) != 0)
                return err_set(err, ERR_INPUT,
                               "host says user %s, username says %s: give only one of them.",
                               log_quote(in_host, strlen(in_host)),
                               log_quote(username, strlen(username)));
        const char *user = in_host != NULL ? in_host : username;
        if (in_host == NULL && !is_given)
                return true;
        if (!target_user_is_valid(user))
                return bad_user(user, err);
        target->user = xstrdup(user);
        return true;
}

static bool take_port(struct target *target, const char *in_host, int port, struct err *err)
{
        if (port < 0 || port > PORT_MAX)
                return err_set(err, ERR_INPUT, "port %d is not a number from 1 to %d.", port,
                               PORT_MAX);
        target->port = port;
        if (in_host == NULL)
                return true;
        int said = 0;
        if (!parse_port(in_host, &said, err))
                return false;
        if (port != 0 && port != said)
                return err_set(err, ERR_INPUT,
                               "host says port %d, port says %d: give only one of them.", said,
                               port);
        target->port = said;
        return true;
}

bool target_parse(struct target *out_target, const char *host, const char *username, int port,
                  struct err *err)
{
        struct target target = { 0 };
        const char *in_user = NULL;
        const char *in_port;
        char *name;

        if (host == NULL || host[0] == 0)
                return err_set(err, ERR_INPUT,
                               "host is missing: give the name of the machine, or an "
                               "alias of ~/.ssh/config.");
        scoped_free char *text = xstrndup(host, TARGET_HOST_MAX + TARGET_USER_MAX + 16);
        char *rest = text;
        char *at = strrchr(text, '@'); /* a user name may have one too */
        if (at != NULL) {
                *at = 0;
                in_user = text;
                rest = at + 1;
        }
        if (!split_port(rest, &name, &in_port) || !target_host_is_valid(name))
                return bad_host(host, err);
        if (!take_user(&target, in_user, username, err)
            || !take_port(&target, in_port, port, err)) {
                target_fini(&target);
                return false;
        }
        target.host = xstrdup(name);
        *out_target = target;
        return true;
}

void target_fini(struct target *target)
{
        free(target->host);
        free(target->user);
        *target = (struct target){ 0 };
}

bool target_check_shell_name(const char *name, struct err *err)
{
        size_t len = strnlen(name, SHELL_NAME_MAX + 1);

        if (len > 0 && len <= SHELL_NAME_MAX && all_in(name, len, ".-"))
                return true;
        return err_set(err, ERR_INPUT,
                       "session \"%s\" will not do: at most %d of letters, digits, . _ - (leave it "
                       "out for the default session).",
                       log_quote(name, strlen(name)), SHELL_NAME_MAX);
}

bool target_check_key_path(const char *path, struct err *err)
{
        size_t len = strnlen(path, KEY_PATH_MAX + 1);
        bool is_plain = len > 0 && len <= KEY_PATH_MAX;

        for (size_t i = 0; is_plain && i < len; i++)
                is_plain = (unsigned char)path[i] >= 0x20 && path[i] != 0x7F;
        if (is_plain)
                return true;
        return err_set(err, ERR_INPUT,
                       "key_filename is not a path: give the file of a private key, such as "
                       "~/.ssh/id_ed25519.");
}

char *target_name(const char *user, const char *host, int port)
{
        bool is_v6 = strchr(host, ':') != NULL;

        return xasprintf("%s@%s%s%s:%d", user, is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}
