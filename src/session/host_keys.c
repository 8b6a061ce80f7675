#include "session/host_keys.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/digest.h"
#include "session/known_hosts.h"
#include "session/remote_text.h"
#include "session/small_file.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_HOSTS_MAX (4 * 1024 * 1024) /* bytes of one file; a larger one is refused */
#define FILES_MAX       8                 /* files looked at; OpenSSH's defaults are four */
#define ALGORITHMS_MAX  1024              /* characters of the list for libssh */

struct known_file {
        char *path;
        struct buf text;
};

struct host_keys {
        char *name;        /* "host" or "[host]:port", or the alias */
        char *plain_name;  /* without the port; NULL when name has none */
        char *ssh_command; /* what a person runs to learn the key */
        struct known_file files[FILES_MAX];
        unsigned count;
};

struct place_found {
        struct known_finding finding;
        const struct known_file *file; /* that decided, NULL none */
};

void host_keys_free(struct host_keys *keys)
{
        if (keys == NULL)
                return;
        for (unsigned i = 0; i < keys->count; i++) {
                free(keys->files[i].path);
                buf_fini(&keys->files[i].text);
        }
        free(keys->name);
        free(keys->plain_name);
        free(keys->ssh_command);
        free(keys);
}

static bool load_file(struct host_keys *keys, const char *path, const struct home *home,
                      struct err *err)
{
        struct err why;

        if (strcmp(path, "/dev/null") == 0 || keys->count == FILES_MAX)
                return true;
        struct known_file *file = &keys->files[keys->count++];
        file->path = home_expand(home, path);
        buf_init(&file->text, KNOWN_HOSTS_MAX);
        if (small_file_read(file->path, &file->text, NULL, &why) || why.code == ERR_NOT_FOUND)
                return true;
        return err_set(err, ERR_HOST_KEY,
                       "the host key cannot be checked, because %s cannot be read: %s", file->path,
                       why.text);
}

static bool load_files(struct host_keys *keys, const struct file_list *list,
                       const struct home *home, struct err *err)
{
        for (unsigned i = 0; i < list->count; i++)
                if (!load_file(keys, list->paths[i], home, err))
                        return false;
        return true;
}

/* `ssh` such that it adds the key to the file that we look into. */
static char *ssh_command(const struct ssh_config *config, const struct host_keys_place *place,
                         const struct home *home)
{
        const struct file_list *files = &config->user_known_hosts;
        scoped_free char *by_default = xasprintf("%s/.ssh/known_hosts", home->account);
        scoped_free char *file =
                files->count > 0 ? home_expand(home, files->paths[0]) : xstrdup(by_default);
        struct buf command;

        buf_init(&command, ERR_TEXT_MAX);
        (void)buf_append_str(&command, "ssh"); /* full: cut, as the error's text would be */
        if (place->port != 22)
                (void)buf_printf(&command, " -p %d", place->port);
        if (strcmp(file, by_default) != 0)
                (void)buf_printf(&command, " -o UserKnownHostsFile='%s'", file);
        if (place->alias != NULL)
                (void)buf_printf(&command, " -o HostKeyAlias=%s", place->alias);
        (void)buf_printf(&command, " %s@%s", place->user, place->host);
        return buf_take(&command);
}

bool host_keys_load(struct host_keys **out_keys, const struct ssh_config *config,
                    const struct host_keys_place *place, const struct home *home, struct err *err)
{
        struct host_keys *keys = xcalloc(1, sizeof *keys);

        keys->name = place->alias != NULL ? known_hosts_name(place->alias, 22)
                                          : known_hosts_name(place->host, place->port);
        if (place->alias == NULL && place->port != 22)
                keys->plain_name = known_hosts_name(place->host, 22);
        keys->ssh_command = ssh_command(config, place, home);
        if (!load_files(keys, &config->user_known_hosts, home, err)
            || !load_files(keys, &config->global_known_hosts, home, err)) {
                host_keys_free(keys);
                return false;
        }
        *out_keys = keys;
        return true;
}

static struct place_found look_up(const struct host_keys *keys, const char *name, struct str blob)
{
        struct place_found best = { 0 };

        for (unsigned i = 0; i < keys->count; i++) {
                struct known_finding found =
                        known_hosts_check(buf_str(&keys->files[i].text), name, blob);
                unsigned ca_line = best.finding.ca_line != 0 ? best.finding.ca_line : found.ca_line;
                if (found.verdict > best.finding.verdict) {
                        best.finding = found;
                        best.file = &keys->files[i];
                }
                best.finding.ca_line = ca_line;
        }
        return best;
}

static bool refuse_unknown(const struct host_keys *keys, const char *shown, bool has_ca,
                           struct err *err)
{
        return err_set(
                err, ERR_HOST_KEY,
                "the host key of %s is not known (it shows %s)%s. To trust it, run `%s` once in a "
                "terminal, compare the fingerprint and answer yes; then try again.",
                keys->name, shown,
                has_ca ? "; a @cert-authority is known, but host certificates are not supported yet"
                       : "",
                keys->ssh_command);
}

static bool refuse(const struct host_keys *keys, const struct place_found *found, const char *shown,
                   struct err *err)
{
        switch (found->finding.verdict) {
        case KNOWN_UNKNOWN: return refuse_unknown(keys, shown, found->finding.ca_line != 0, err);
        case KNOWN_CHANGED:
                return err_set(
                        err, ERR_HOST_KEY,
                        "the host key of %s HAS CHANGED: it shows %s, but %s:%u has another one. "
                        "Somebody may be in between. If the change is meant, run: ssh-keygen -R "
                        "'%s' -f '%s' and then connect once with ssh.",
                        keys->name, shown, found->file->path, found->finding.line, keys->name,
                        found->file->path);
        case KNOWN_REVOKED:
                return err_set(
                        err, ERR_HOST_KEY,
                        "the host key of %s is REVOKED: %s is marked @revoked at %s:%u. The host "
                        "must get a new key; only if the mark is wrong, remove that line.",
                        keys->name, shown, found->file->path, found->finding.line);
        case KNOWN_OK: break;
        }
        bug("refusing a known host key");
}

bool host_keys_check(const struct host_keys *keys, struct str type, struct str blob,
                     struct err *err)
{
        char print[FINGERPRINT_LEN + 1];
        struct place_found found = look_up(keys, keys->name, blob);

        /* OpenSSH: a key that is known for the host without a port will do for any port. */
        if (found.finding.verdict == KNOWN_UNKNOWN && keys->plain_name != NULL) {
                struct place_found plain = look_up(keys, keys->plain_name, blob);
                if (plain.finding.verdict == KNOWN_OK)
                        found = plain;
        }
        if (found.finding.verdict == KNOWN_OK)
                return true;
        digest_fingerprint(print, (struct bytes){ blob.ptr, blob.len });
        scoped_free char *name = remote_text(type, 64);
        scoped_free char *shown = xasprintf("%s %s", name, print);
        return refuse(keys, &found, shown, err);
}

struct algorithm {
        const char *name;
        enum key_type type;
        bool by_default;
};

/* What libssh can do, in the order of OpenSSH's default. */
static const struct algorithm algorithms[] = {
        { "ssh-ed25519", KEY_ED25519, true },
        { "ecdsa-sha2-nistp256", KEY_ECDSA_256, true },
        { "ecdsa-sha2-nistp384", KEY_ECDSA_384, true },
        { "ecdsa-sha2-nistp521", KEY_ECDSA_521, true },
        { "rsa-sha2-512", KEY_RSA, true },
        { "rsa-sha2-256", KEY_RSA, true },
        { "ssh-rsa", KEY_RSA, false }, /* SHA-1: only where the configuration asks for it */
};

#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)

static const struct algorithm *find_algorithm(struct str name)
{
        for (size_t i = 0; i < ALGORITHMS; i++)
                if (str_is(name, algorithms[i].name))
                        return &algorithms[i];
        return NULL;
}

/* Those of the configured list that libssh can do, in that order; returns how many. */
static size_t pick_configured(const char *configured, const struct algorithm *out[ALGORITHMS])
{
        size_t count = 0;

        while (configured != NULL && *configured != 0 && count < ALGORITHMS) {
                size_t len = strcspn(configured, ",");
                const struct algorithm *found = find_algorithm((struct str){ configured, len });
                if (found != NULL)
                        out[count++] = found;
                configured += len + (configured[len] == ',' ? 1 : 0);
        }
        return count;
}

static size_t pick_default(const struct algorithm *out[ALGORITHMS])
{
        size_t count = 0;

        for (size_t i = 0; i < ALGORITHMS; i++)
                if (algorithms[i].by_default)
                        out[count++] = &algorithms[i];
        return count;
}

char *host_key_algorithms_for(unsigned known, const char *configured)
{
        const struct algorithm *picked[ALGORITHMS];
        size_t count = pick_configured(configured, picked);
        struct buf list;

        if (count == 0)
                count = pick_default(picked);
        buf_init(&list, ALGORITHMS_MAX);
        for (int want_known = 1; want_known >= 0; want_known--)
                for (size_t i = 0; i < count; i++)
                        if ((int)(known >> picked[i]->type & 1u) == want_known)
                                (void)buf_printf(&list, "%s%s", list.len > 0 ? "," : "",
                                                 picked[i]->name);
        return buf_take(&list);
}

char *host_keys_algorithms(const struct host_keys *keys, const char *configured)
{
        unsigned known = 0;

        for (unsigned i = 0; i < keys->count; i++)
                known |= known_hosts_types(buf_str(&keys->files[i].text), keys->name);
        for (unsigned i = 0; known == 0 && keys->plain_name != NULL && i < keys->count; i++)
                known |= known_hosts_types(buf_str(&keys->files[i].text), keys->plain_name);
        return host_key_algorithms_for(known, configured);
}
