/*
 * `ssh -G` prints "keyword value" lines, keywords in lower case, values unquoted: a list of files
 * is separated by blanks that a name may hold as well, so a new name is taken to begin at '/' or
 * '~' after a blank. Identity files come one a line and are printed as they were written (~ and
 * %-tokens unexpanded); known_hosts files come expanded.
 */
#include "session/ssh_config.h"

#include "base/alloc.h"
#include "base/log.h"
#include "session/target.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_COUNT_DEFAULT 3

static char *copy(struct str str)
{
        return xstrndup(str.ptr, str.len);
}

static void set_text(char **text, struct str value)
{
        free(*text);
        *text = str_is(value, "none") || value.len == 0 ? NULL : copy(value);
}

static void add_file(struct file_list *list, struct str path)
{
        if (path.len > 0 && list->count < CONFIG_FILES_MAX && !str_is(path, "none"))
                list->paths[list->count++] = copy(path);
}

static void add_files(struct file_list *list, struct str value)
{
        size_t begin = 0;

        for (size_t i = 1; i < value.len; i++) {
                bool is_start =
                        value.ptr[i - 1] == ' ' && (value.ptr[i] == '/' || value.ptr[i] == '~');
                if (!is_start)
                        continue;
                add_file(list, str_trim((struct str){ value.ptr + begin, i - begin }));
                begin = i;
        }
        add_file(list, str_trim((struct str){ value.ptr + begin, value.len - begin }));
}

static bool is_yes(struct str value)
{
        return str_is(value, "yes") || str_is(value, "true");
}

static int number_or_zero(struct str value)
{
        long long number;

        return str_number(value, &number) && number <= INT_MAX ? (int)number : 0;
}

static bool take_files(struct ssh_config *config, struct str key, struct str value)
{
        if (str_is(key, "identityfile"))
                add_file(&config->identities, value);
        else if (str_is(key, "userknownhostsfile"))
                add_files(&config->user_known_hosts, value);
        else if (str_is(key, "globalknownhostsfile"))
                add_files(&config->global_known_hosts, value);
        else
                return false;
        return true;
}

static bool take_text(struct ssh_config *config, struct str key, struct str value)
{
        if (str_is(key, "hostname"))
                set_text(&config->hostname, value);
        else if (str_is(key, "user"))
                set_text(&config->user, value);
        else if (str_is(key, "hostkeyalias"))
                set_text(&config->host_key_alias, value);
        else if (str_is(key, "hostkeyalgorithms"))
                set_text(&config->host_key_algorithms, value);
        else if (str_is(key, "proxyjump"))
                set_text(&config->proxy_jump, value);
        else if (str_is(key, "proxycommand"))
                set_text(&config->proxy_command, value);
        else if (str_is(key, "identityagent")) {
                free(config->identity_agent);
                config->identity_agent = copy(value); /* "none" says something here */
        } else
                return false;
        return true;
}

static void take_rest(struct ssh_config *config, struct str key, struct str value)
{
        if (str_is(key, "port"))
                config->port = number_or_zero(value);
        else if (str_is(key, "identitiesonly"))
                config->identities_only = is_yes(value);
        else if (str_is(key, "pubkeyauthentication"))
                config->no_public_keys = str_is(value, "no") || str_is(value, "false");
        else if (str_is(key, "compression"))
                config->compression = is_yes(value);
        else if (str_is(key, "connecttimeout"))
                config->connect_timeout_s = number_or_zero(value);
        else if (str_is(key, "serveraliveinterval"))
                config->keepalive_s = number_or_zero(value);
        else if (str_is(key, "serveralivecountmax"))
                config->keepalive_count = number_or_zero(value);
        else if (str_is(key, "addressfamily"))
                config->family = str_is(value, "inet")    ? ADDRESS_INET
                                 : str_is(value, "inet6") ? ADDRESS_INET6
                                                          : ADDRESS_ANY;
}

static bool check(const struct ssh_config *config, struct err *err)
{
        if (config->hostname == NULL || config->user == NULL || config->port == 0)
                return err_set(err, ERR_CONNECT,
                               "ssh -G printed no hostname, user or port: try "
                               "`ssh -G HOST` in a terminal.");
        if (!target_host_is_valid(config->hostname))
                return err_set(err, ERR_CONNECT,
                               "ssh's configuration gives \"%s\" as HostName, "
                               "which is no host name.",
                               log_quote(config->hostname, strlen(config->hostname)));
        if (!target_user_is_valid(config->user))
                return err_set(err, ERR_CONNECT,
                               "ssh's configuration gives \"%s\" as User, which "
                               "will not do as a user name.",
                               log_quote(config->user, strlen(config->user)));
        if (config->port > 65535)
                return err_set(err, ERR_CONNECT, "ssh's configuration gives port %d.",
                               config->port);
        return true;
}

bool ssh_config_parse(struct ssh_config **out_config, struct str text, struct err *err)
{
        struct ssh_config *config = xcalloc(1, sizeof *config);
        struct str line;

        config->keepalive_count = KEEPALIVE_COUNT_DEFAULT;
        while (str_line(&text, &line)) {
                struct str key = str_word(&line);
                struct str value = str_trim(line);
                if (!take_files(config, key, value) && !take_text(config, key, value))
                        take_rest(config, key, value);
        }
        if (!check(config, err)) {
                ssh_config_free(config);
                return false;
        }
        *out_config = config;
        return true;
}

struct ssh_config *ssh_config_fallback(const char *host, const char *user, int port)
{
        static const char *const identities[] = { "~/.ssh/id_rsa", "~/.ssh/id_ecdsa",
                                                  "~/.ssh/id_ed25519" };
        struct ssh_config *config = xcalloc(1, sizeof *config);

        config->hostname = xstrdup(host);
        config->user = xstrdup(user);
        config->port = port != 0 ? port : 22;
        config->keepalive_count = KEEPALIVE_COUNT_DEFAULT;
        config->is_fallback = true;
        for (size_t i = 0; i < sizeof identities / sizeof *identities; i++)
                add_file(&config->identities, str_of(identities[i]));
        add_files(&config->user_known_hosts, str_of("~/.ssh/known_hosts ~/.ssh/known_hosts2"));
        add_files(&config->global_known_hosts,
                  str_of("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"));
        return config;
}

static void free_files(struct file_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                free(list->paths[i]);
}

void ssh_config_free(struct ssh_config *config)
{
        if (config == NULL)
                return;
        free_files(&config->identities);
        free_files(&config->user_known_hosts);
        free_files(&config->global_known_hosts);
        free(config->hostname);
        free(config->user);
        free(config->identity_agent);
        free(config->host_key_alias);
        free(config->host_key_algorithms);
        free(config->proxy_jump);
        free(config->proxy_command);
        free(config);
}
