#include "session/host_key/host_keys_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_MAX (8 * 1024) /* characters; two paths */

/* ---- what a person can paste ---- */

static bool is_plain(const char *text)
{
        return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "@:._/~-")]
               == 0;
}

/* Quoted for a shell where it needs to be. The ~ of a path of ours is never the first character. */
static void add_word(struct buf *command, const char *before, const char *word)
{
        const char *quote = is_plain(word) ? "" : "'";

        (void)buf_printf(command, "%s%s%s%s", before, quote, word, quote); /* fits */
}

static bool can_be_quoted(const char *word)
{
        return word == NULL || strpbrk(word, "'\n\r\t") == NULL;
}

char *host_keys_make_trust_command(const struct host_keys_place *place)
{
        struct buf command;

        buf_init(&command, COMMAND_MAX);
        (void)buf_append_str(&command, "mcp-ssh-session");
        if (place->ssh_config != NULL && can_be_quoted(place->ssh_config))
                add_word(&command, " --ssh-config ", place->ssh_config);
        add_word(&command, " trust ", place->typed);
        return buf_take(&command);
}

/* `ssh` such that it adds the key to the file that we look into. */
char *host_keys_make_ssh_command(const struct host_keys_place *place, const char *add_to,
                                 const struct home *home)
{
        scoped_free char *by_default = xasprintf("%s/.ssh/known_hosts", home->account);
        struct buf command;

        if (add_to == NULL || strcmp(add_to, "/dev/null") == 0 || !can_be_quoted(add_to)
            || !can_be_quoted(place->alias))
                return NULL;
        buf_init(&command, COMMAND_MAX);
        (void)buf_append_str(&command, "ssh");
        if (place->port != 22)
                (void)buf_printf(&command, " -p %d", place->port);
        if (strcmp(add_to, by_default) != 0)
                (void)buf_printf(&command, " -o UserKnownHostsFile='%s'", add_to);
        if (place->alias != NULL)
                add_word(&command, " -o HostKeyAlias=", place->alias);
        (void)buf_printf(&command, " %s@%s", place->user, place->host);
        return buf_take(&command);
}

/* ---- why not ---- */

/* What has to come before trust can help; "" nothing. */
static const char *obstacle(const struct host_keys *keys)
{
        if (keys->add_to == NULL)
                return " There is no file to add it to, because UserKnownHostsFile is none, or the "
                       "name is none that can be written there: change that in ssh_config first.";
        if (strcmp(keys->add_to, "/dev/null") == 0)
                return " It cannot be remembered while UserKnownHostsFile is /dev/null: name a "
                       "file in ssh_config first, or set StrictHostKeyChecking accept-new.";
        return "";
}

static bool refuse_unknown(const struct host_keys *keys, const char *shown, bool has_ca,
                           struct err *err)
{
        (void)err_set(
                err, ERR_HOST_KEY,
                "the host key of %s is not known (it shows %s)%s.%s To trust it, run `%s` in "
                "a terminal, compare the fingerprint and answer yes; then try again.",
                keys->name, shown,
                has_ca ? ", and the @cert-authority in known_hosts does not help, because host "
                         "certificates cannot be checked here: the plain key has to be known"
                       : "",
                obstacle(keys), keys->trust_command);
        size_t len = strlen(err->text);
        if (keys->ssh_command != NULL
            && len + strlen(keys->ssh_command) + 32 < ERR_TEXT_MAX / 4 * 3) /* never half of it */
                (void)snprintf(err->text + len, sizeof err->text - len, " (Or with ssh: `%s`)",
                               keys->ssh_command);
        return false;
}

bool host_keys_refuse(const struct host_keys *keys, const struct place_found *found,
                      const char *shown, struct err *err)
{
        switch (found->finding.verdict) {
        case KNOWN_UNKNOWN: return refuse_unknown(keys, shown, found->finding.ca_line != 0, err);
        case KNOWN_CHANGED:
                return err_set(
                        err, ERR_HOST_KEY,
                        "the host key of %s HAS CHANGED: it shows %s, but %s:%u has another one. "
                        "Somebody may be in between. If the change is meant, remove the old key "
                        "(ssh-keygen -R '%s' -f '%s') and then run `%s` in a terminal.",
                        keys->name, shown, found->file->path, found->finding.line, keys->name,
                        found->file->path, keys->trust_command);
        case KNOWN_REVOKED:
                return host_keys_refuse_revoked(keys, found->file->path, found->finding.line, shown,
                                                err);
        case KNOWN_OK: break;
        }
        bug("refusing a known host key");
}

bool host_keys_refuse_revoked(const struct host_keys *keys, const char *path, unsigned line,
                              const char *shown, struct err *err)
{
        return err_set(err, ERR_HOST_KEY,
                       "the host key of %s is REVOKED: %s is marked as revoked at %s:%u. The host "
                       "must get a new key; only if the mark is wrong, remove that line.",
                       keys->name, shown, path, line);
}

bool host_keys_refuse_pinned(const struct host_keys *keys, const char *shown, struct err *err)
{
        return err_set(
                err, ERR_HOST_KEY,
                "the host key of %s is not the pinned one: it shows %s, and its "
                "OVRD_<host>_FINGERPRINT does not have that. Somebody may be in between, or the "
                "host has a new key or shows one of another type. Whoever runs "
                "mcp-ssh-session has to check it, and to correct the variable.",
                keys->name, shown);
}
