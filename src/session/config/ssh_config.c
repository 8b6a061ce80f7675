/*
 * `ssh -G` prints "keyword value" lines, keywords in lower case, values unquoted: a list of files
 * is separated by blanks that a name may hold as well, so a new name is taken to begin at '/' or
 * '~' after a blank. Identity files come one a line and are printed as they were written (~ and
 * %-tokens unexpanded); known_hosts files come expanded.
 */
#include "session/config/ssh_config.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/config/target.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_COUNT_DEFAULT  3
#define PASSWORD_PROMPTS_DEFAULT 3
#define NOT_HONOURED_MAX         512 /* characters */

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

static void add_word(struct word_list *list, struct str word)
{
        if (word.len > 0 && list->count < CONFIG_WORDS_MAX)
                list->words[list->count++] = copy(word);
}

static void add_words(struct word_list *list, struct str value)
{
        struct str word;

        while ((word = str_word(&value)).len > 0)
                add_word(list, word);
}

static bool is_no(struct str value)
{
        return str_is(value, "no") || str_is(value, "false");
}

static bool take_lists(struct ssh_config *config, struct str key, struct str value)
{
        if (str_is(key, "identityfile"))
                add_file(&config->identities, value);
        else if (str_is(key, "certificatefile"))
                add_file(&config->certificates, value);
        else if (str_is(key, "userknownhostsfile"))
                add_files(&config->user_known_hosts, value);
        else if (str_is(key, "globalknownhostsfile"))
                add_files(&config->global_known_hosts, value);
        else if (str_is(key, "revokedhostkeys"))
                add_files(&config->revoked_host_keys, value);
        else if (str_is(key, "sendenv"))
                add_words(&config->send_env, value);
        else if (str_is(key, "setenv"))
                add_word(&config->set_env, value);
        else
                return false;
        return true;
}

struct text_keyword {
        const char *name;
        size_t offset; /* of the char * in struct ssh_config */
};

#define TEXT(name, field) { name, offsetof(struct ssh_config, field) }

static const struct text_keyword text_keywords[] = {
        TEXT("hostname", hostname),
        TEXT("user", user),
        TEXT("bindaddress", bind_address),
        TEXT("bindinterface", bind_interface),
        TEXT("proxyjump", proxy_jump),
        TEXT("proxycommand", proxy_command),
        TEXT("hostkeyalias", host_key_alias),
        TEXT("hostkeyalgorithms", host_key_algorithms),
        TEXT("kexalgorithms", kex_algorithms),
        TEXT("ciphers", ciphers),
        TEXT("macs", macs),
        TEXT("pubkeyacceptedalgorithms", public_key_algorithms),
        TEXT("pubkeyacceptedkeytypes", public_key_algorithms), /* before OpenSSH 8.5 */
        TEXT("preferredauthentications", auth_methods),
};

static bool take_text(struct ssh_config *config, struct str key, struct str value)
{
        for (size_t i = 0; i < sizeof text_keywords / sizeof *text_keywords; i++)
                if (str_is(key, text_keywords[i].name)) {
                        set_text((char **)((char *)config + text_keywords[i].offset), value);
                        return true;
                }
        if (!str_is(key, "identityagent"))
                return false;
        free(config->identity_agent);
        config->identity_agent = copy(value); /* "none" says something here */
        return true;
}

static bool take_number(struct ssh_config *config, struct str key, struct str value)
{
        if (str_is(key, "port"))
                config->port = number_or_zero(value);
        else if (str_is(key, "connecttimeout"))
                config->connect_timeout_s = number_or_zero(value);
        else if (str_is(key, "serveraliveinterval"))
                config->keepalive_s = number_or_zero(value);
        else if (str_is(key, "serveralivecountmax"))
                config->keepalive_count = number_or_zero(value);
        else if (str_is(key, "requiredrsasize"))
                config->rsa_min_bits = number_or_zero(value);
        else if (str_is(key, "numberofpasswordprompts"))
                config->password_prompts = number_or_zero(value);
        else
                return false;
        return true;
}

static void take_policy(struct ssh_config *config, struct str value)
{
        config->host_key_checks_off = is_no(value) || str_is(value, "off");
        config->host_key_policy = config->host_key_checks_off || str_is(value, "accept-new")
                                          ? HOST_KEY_ACCEPT_NEW
                                          : HOST_KEY_STRICT;
}

static void take_choice(struct ssh_config *config, struct str key, struct str value)
{
        if (str_is(key, "identitiesonly"))
                config->identities_only = is_yes(value);
        else if (str_is(key, "pubkeyauthentication"))
                config->no_public_keys = is_no(value);
        else if (str_is(key, "passwordauthentication"))
                config->no_passwords = is_no(value);
        else if (str_is(key, "kbdinteractiveauthentication")
                 || str_is(key, "challengeresponseauthentication"))
                config->no_interactive = is_no(value);
        else if (str_is(key, "compression"))
                config->compression = is_yes(value);
        else if (str_is(key, "proxyusefdpass"))
                config->proxy_passes_fd = is_yes(value);
        else if (str_is(key, "hashknownhosts"))
                config->hash_known_hosts = is_yes(value);
        else if (str_is(key, "stricthostkeychecking"))
                take_policy(config, value);
        else if (str_is(key, "addressfamily"))
                config->family = str_is(value, "inet")    ? ADDRESS_INET
                                 : str_is(value, "inet6") ? ADDRESS_INET6
                                                          : ADDRESS_ANY;
}

/* ---- what has no effect here ---- */

struct idle_keyword {
        const char *name;  /* as `ssh -G` prints it */
        const char *shown; /* as people write it */
        const char *idle;  /* the value, besides "no", "false" and "none", that asks for nothing */
};

/* Only what changes who is trusted or who gets in; that no forwarding is set up is our design. */
static const struct idle_keyword idle_keywords[] = {
        { "knownhostscommand", "KnownHostsCommand", NULL },
        { "verifyhostkeydns", "VerifyHostKeyDNS", NULL },
        { "checkhostip", "CheckHostIP", NULL },
        { "pkcs11provider", "PKCS11Provider", NULL },
        { "securitykeyprovider", "SecurityKeyProvider", "internal" },
        { "hostbasedauthentication", "HostbasedAuthentication", NULL },
        { "nohostauthenticationforlocalhost", "NoHostAuthenticationForLocalhost", NULL },
        { "remotecommand", "RemoteCommand", NULL },
        { "tunnel", "Tunnel", NULL },
        { "rekeylimit", "RekeyLimit", "0 0" },
};

static void note_idle(struct buf *not_honoured, struct str key, struct str value)
{
        for (size_t i = 0; i < sizeof idle_keywords / sizeof *idle_keywords; i++) {
                const struct idle_keyword *at = &idle_keywords[i];
                bool asks = !is_no(value) && !str_is(value, "none")
                            && (at->idle == NULL || !str_is(value, at->idle));
                if (str_is(key, at->name) && asks)
                        (void)buf_printf(not_honoured, "%s%s", not_honoured->len > 0 ? ", " : "",
                                         at->shown); /* fits: each stands there once or twice */
        }
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

/* Host, user and port are compared by themselves. */
static bool is_of_print(struct str key)
{
        return !str_is(key, "host") && !str_is(key, "hostname") && !str_is(key, "user")
               && !str_is(key, "port");
}

static void make_print(struct ssh_config *config, struct str text)
{
        scoped_buf struct buf said;
        struct str line;

        buf_init(&said, text.len + 1);
        while (str_line(&text, &line)) {
                struct str rest = line;
                if (is_of_print(str_word(&rest))
                    && !(buf_append(&said, line.ptr, line.len) && buf_append_byte(&said, '\n')))
                        return; /* out of memory: zeros, as of a fallback */
        }
        digest_sha256(config->print, (struct bytes){ said.data, said.len });
}

bool ssh_config_parse(struct ssh_config **out_config, struct str text, struct err *err)
{
        struct ssh_config *config = xcalloc(1, sizeof *config);
        scoped_buf struct buf not_honoured;
        struct str line;

        buf_init(&not_honoured, NOT_HONOURED_MAX);
        config->keepalive_count = KEEPALIVE_COUNT_DEFAULT;
        config->password_prompts = PASSWORD_PROMPTS_DEFAULT;
        make_print(config, text);
        while (str_line(&text, &line)) {
                struct str key = str_word(&line);
                struct str value = str_trim(line);
                note_idle(&not_honoured, key, value);
                if (!take_lists(config, key, value) && !take_text(config, key, value)
                    && !take_number(config, key, value))
                        take_choice(config, key, value);
        }
        if (not_honoured.len > 0)
                config->not_honoured = buf_take(&not_honoured);
        if (!check(config, err)) {
                ssh_config_free(config);
                return false;
        }
        *out_config = config;
        return true;
}

static void free_files(struct file_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                free(list->paths[i]);
}

static void free_words(struct word_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                free(list->words[i]);
}

void ssh_config_free(struct ssh_config *config)
{
        if (config == NULL)
                return;
        free_files(&config->identities);
        free_files(&config->certificates);
        free_files(&config->user_known_hosts);
        free_files(&config->global_known_hosts);
        free_files(&config->revoked_host_keys);
        free_words(&config->send_env);
        free_words(&config->set_env);
        free(config->hostname);
        free(config->user);
        free(config->bind_address);
        free(config->bind_interface);
        free(config->proxy_jump);
        free(config->proxy_command);
        free(config->host_key_alias);
        free(config->host_key_algorithms);
        free(config->kex_algorithms);
        free(config->ciphers);
        free(config->macs);
        free(config->public_key_algorithms);
        free(config->identity_agent);
        free(config->auth_methods);
        free(config->not_honoured);
        free(config);
}
