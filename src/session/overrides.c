#include "session/overrides.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "session/fingerprints.h"
#include "session/target.h"

#include <stdlib.h>
#include <string.h>

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

/* The value of OVRD_<host>_<what>; NULL: not set. */
static const struct secret *find(const struct overrides *overrides, const char *host,
                                 const char *what)
{
        size_t len = strlen(host);

        for (unsigned i = 0; i < overrides->count; i++) {
                const char *name = overrides->items[i].name;
                if (strncmp(name, host, len) == 0 && name[len] == '_'
                    && strcmp(name + len + 1, what) == 0)
                        return overrides->items[i].value;
        }
        return NULL;
}

static const char *text_of(const struct secret *secret)
{
        return secret != NULL ? secret_bytes(secret) : NULL;
}

static bool is_out_of_grammar(const char *host, const char *what, struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "the environment variable " PREFIX
                       "%s_%s has a value that will not do. Whoever "
                       "runs mcp-ssh-session has to correct it.",
                       log_quote(host, strlen(host)), what);
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
        };
        long long number = 0;
        struct err ignored;

        if (found.host != NULL && !target_host_is_valid(found.host))
                return is_out_of_grammar(host, "HOST", err);
        if (found.user != NULL && !target_user_is_valid(found.user))
                return is_out_of_grammar(host, "USER", err);
        if (found.key != NULL && !target_check_key_path(found.key, &ignored))
                return is_out_of_grammar(host, "KEY", err);
        if (found.fingerprints != NULL && !fingerprints_are_valid(str_of(found.fingerprints)))
                return bad_fingerprint(host, err);
        if (port != NULL
            && (!str_number(str_of(secret_bytes(port)), &number) || number < 1 || number > 65535))
                return is_out_of_grammar(host, "PORT", err);
        found.port = (int)number;
        *out_override = found;
        return true;
}
