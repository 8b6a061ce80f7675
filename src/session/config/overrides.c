#include "session/config/overrides.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "session/config/target.h"
#include "session/host_key/fingerprints.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX        "OVRD_"
#define VARIABLES_MAX 1024 /* more are taken out of the environment and ignored */

extern char **environ;

struct variable {
        char *name; /* without the prefix */
        struct secret *value;
};

struct overrides {
        struct variable items[VARIABLES_MAX];
        unsigned count;
};

static void take(struct overrides *overrides, char *entry)
{
        char *equals = strchr(entry, '=');

        if (equals == NULL)
                return;
        char *value = equals + 1;
        size_t len = strlen(value);
        if (overrides->count < VARIABLES_MAX && len > 0) {
                struct variable *at = &overrides->items[overrides->count++];
                const char *name = entry + strlen(PREFIX);
                at->name = xstrndup(name, (size_t)(equals - name));
                at->value = secret_new(value, len);
        }
        secret_wipe(value, len);
}

struct overrides *overrides_new(void)
{
        struct overrides *overrides = xcalloc(1, sizeof *overrides);
        char **kept = environ;

        for (char **at = environ; *at != NULL; at++) {
                if (strncmp(*at, PREFIX, strlen(PREFIX)) == 0)
                        take(overrides, *at);
                else
                        *kept++ = *at;
        }
        *kept = NULL;
        return overrides;
}

void overrides_free(struct overrides *overrides)
{
        if (overrides == NULL)
                return;
        for (unsigned i = 0; i < overrides->count; i++) {
                free(overrides->items[i].name);
                secret_free(overrides->items[i].value);
        }
        free(overrides);
}

static bool ends_in(const char *text, const char *end)
{
        size_t len = strlen(text);
        size_t end_len = strlen(end);

        return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

bool overrides_each_secret(const struct overrides *overrides, overrides_visit *visit, void *arg,
                           struct err *err)
{
        for (unsigned i = 0; i < overrides->count; i++)
                if (ends_in(overrides->items[i].name, "_PASS")
                    && !visit(arg, overrides->items[i].value, err))
                        return false;
        return true;
}

typedef int compare_names(const char *a, const char *b, size_t len);

static const struct secret *find_by(const struct overrides *overrides, const char *host,
                                    const char *what, compare_names *compare)
{
        size_t len = strlen(host);

        for (unsigned i = 0; i < overrides->count; i++) {
                const char *name = overrides->items[i].name;
                if (compare(name, host, len) == 0 && name[len] == '_'
                    && strcmp(name + len + 1, what) == 0)
                        return overrides->items[i].value;
        }
        return NULL;
}

/* The value of OVRD_<host>_<what>; NULL: not set. A host's name has no case, the exact one wins. */
static const struct secret *find(const struct overrides *overrides, const char *host,
                                 const char *what)
{
        /* OVRD_a_SUDO_PASS is a's, for sudo: it must not log in to a host called a_SUDO */
        if (strcmp(what, "PASS") == 0 && (ends_in(host, "_SUDO") || ends_in(host, "_ENABLE")))
                return NULL;
        const struct secret *exact = find_by(overrides, host, what, strncmp);
        return exact != NULL ? exact : find_by(overrides, host, what, strncasecmp);
}

static const char *text_of(const struct secret *secret)
{
        return secret != NULL ? secret_bytes(secret) : NULL;
}

static bool is_out_of_grammar(const char *host, const char *what, const char *needs,
                              struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "the environment variable " PREFIX "%s_%s has a value that will not do: it "
                       "has to be %s. Whoever runs mcp-ssh-session has to correct it.",
                       log_quote(host, strlen(host)), what, needs);
}

static bool bad_fingerprint(const char *host, struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "the environment variable " PREFIX "%s_FINGERPRINT is no list of "
                       "fingerprints: SHA256: and 43 characters, as `ssh-keygen -l` prints them, "
                       "several separated by commas. Whoever runs mcp-ssh-session has to correct "
                       "it.",
                       log_quote(host, strlen(host)));
}

bool overrides_find(const struct overrides *overrides, const char *host,
                    struct override *out_override, struct err *err)
{
        const struct secret *port = find(overrides, host, "PORT");
        struct override found = {
                .host = text_of(find(overrides, host, "HOST")),
                .user = text_of(find(overrides, host, "USER")),
                .key = text_of(find(overrides, host, "KEY")),
                .password = find(overrides, host, "PASS"),
                .fingerprints = text_of(find(overrides, host, "FINGERPRINT")),
                .sudo_password = find(overrides, host, "SUDO_PASS"),
                .enable_password = find(overrides, host, "ENABLE_PASS"),
        };
        long long number = 0;
        struct err ignored;

        if (found.host != NULL && !target_host_is_valid(found.host))
                return is_out_of_grammar(host, "HOST",
                                         "a host name or address, without user and port", err);
        if (found.user != NULL && !target_user_is_valid(found.user))
                return is_out_of_grammar(host, "USER", "a user name", err);
        if (found.key != NULL && !target_check_key_path(found.key, &ignored))
                return is_out_of_grammar(host, "KEY", "the path of a private key", err);
        if (found.fingerprints != NULL && !fingerprints_are_valid(str_of(found.fingerprints)))
                return bad_fingerprint(host, err);
        if (port != NULL
            && (!str_number(str_of(secret_bytes(port)), &number) || number < 1 || number > 65535))
                return is_out_of_grammar(host, "PORT", "a number from 1 to 65535", err);
        found.port = (int)number;
        *out_override = found;
        return true;
}

bool override_is_any(const struct override *override)
{
        return override->host != NULL || override->user != NULL || override->key != NULL
               || override->port != 0 || override->password != NULL
               || override->fingerprints != NULL || override->sudo_password != NULL
               || override->enable_password != NULL;
}

bool override_is_hiding(const struct override *override)
{
        return override->host != NULL || override->user != NULL;
}
