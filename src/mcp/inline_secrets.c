#include "mcp/inline_secrets.h"

#include "base/log.h"
#include "session/engine.h"

#include <string.h>

static const struct inline_secret {
        const char *argument;
        const char *variable; /* OVRD_<host>_<variable> */
} secrets[] = {
        { "password", "PASS" },
        { "sudo_password", "SUDO_PASS" },
        { "enable_password", "ENABLE_PASS" },
};

#define COUNT (sizeof secrets / sizeof *secrets)

bool inline_secrets_is_one(const char *argument)
{
        for (size_t i = 0; i < COUNT; i++)
                if (strcmp(argument, secrets[i].argument) == 0)
                        return true;
        return false;
}

static bool refuse(const struct inline_secret *secret, const json_t *host, struct err *err)
{
        const char *name = json_string_length(host) > 0 ? json_string_value(host) : "HOST";

        return err_set(
                err, ERR_INPUT,
                "%s is not taken in a tool call: this server runs with --inline-secrets "
                "deny. Ask the user to run `mcp-ssh-session login %s%s` in a terminal, or to set "
                "OVRD_%s_%s in the server's environment; or use a key or an agent.",
                secret->argument, log_quote(name, strlen(name)),
                strcmp(secret->variable, "SUDO_PASS") == 0 ? " --sudo" : "",
                log_quote(name, strlen(name)),
                secret->variable);
}

bool inline_secrets_take(struct engine *engine, enum inline_secrets policy, const json_t *arguments,
                         struct err *err)
{
        const struct inline_secret *refused = NULL;

        for (size_t i = 0; i < COUNT; i++) {
                const json_t *value = json_object_get(arguments, secrets[i].argument);
                if (json_string_length(value) == 0)
                        continue; /* not given, or args_check() has something to say */
                if (!engine_add_secret(engine, json_string_value(value), json_string_length(value),
                                       err))
                        return false;
                if (policy == INLINE_SECRETS_DENIED && refused == NULL)
                        refused = &secrets[i];
        }
        return refused == NULL || refuse(refused, json_object_get(arguments, "host"), err);
}
