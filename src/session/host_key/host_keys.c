#include "session/host_key/host_keys_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/scoped.h"
#include "session/digest.h"
#include "session/host_key/fingerprints.h"
#include "session/host_key/host_key_algorithms.h"
#include "session/host_key/key_blob.h"
#include "session/host_key/known_hosts_file.h"
#include "session/host_key/revoked_keys.h"
#include "session/secrecy/remote_text.h"
#include "session/small_file.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_HOSTS_MAX (4 * 1024 * 1024) /* bytes of one file; a larger one is refused */
#define TYPE_SHOWN_MAX  64                /* bytes of a type's name */
#define OTHERS_MAX      8                 /* other names of a key that are shown */
#define OTHERS_TEXT_MAX (8 * 1024)        /* bytes of them */
#define BASIS_MAX       (1024 * 1024)     /* bytes; more than ssh -G may print */

/* ---- files ---- */

static void free_files(struct known_file *files, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                free(files[i].path);
                buf_fini(&files[i].text);
        }
}

void host_keys_free(struct host_keys *keys)
{
        if (keys == NULL)
                return;
        free_files(keys->files, keys->count);
        free_files(keys->revoked, keys->revoked_count);
        free(keys->name);
        free(keys->plain_name);
        free(keys->trust_command);
        free(keys->ssh_command);
        free(keys->pins);
        free(keys->add_to);
        free(keys);
}

static bool read_file(struct known_file *file, const char *path, const struct home *home,
                      struct err *out_why)
{
        file->path = home_expand(home, path);
        buf_init(&file->text, KNOWN_HOSTS_MAX);
        return small_file_read(file->path, &file->text, NULL, out_why);
}

static bool refuse_file(const struct known_file *file, const char *why, struct err *err)
{
        return err_set(err, ERR_HOST_KEY,
                       "the host key cannot be checked, because %s cannot be read: %s", file->path,
                       why);
}

static bool load_known(struct host_keys *keys, const struct file_list *list, struct err *err)
{
        struct err why;

        for (unsigned i = 0; i < list->count; i++) {
                if (strcmp(list->paths[i], "/dev/null") == 0)
                        continue;
                struct known_file *file = &keys->files[keys->count++];
                if (!read_file(file, list->paths[i], keys->home, &why) && why.code != ERR_NOT_FOUND)
                        return refuse_file(file, why.text, err);
        }
        return true;
}

/* A missing file is no good here: somebody relies on what it should say. */
static bool load_revoked(struct host_keys *keys, const struct file_list *list, struct err *err)
{
        struct err why;

        for (unsigned i = 0; i < list->count; i++) {
                struct known_file *file = &keys->revoked[keys->revoked_count++];
                if (!read_file(file, list->paths[i], keys->home, &why))
                        return refuse_file(file, why.text, err)
                               || err_context(err, "RevokedHostKeys");
        }
        return true;
}

static char *file_to_add_to(const struct ssh_config *config, const struct host_keys_place *place,
                            const struct home *home)
{
        const struct file_list *files = &config->user_known_hosts;
        const char *written = place->alias != NULL ? place->alias : place->host;

        return files->count > 0 && known_hosts_may_write(written)
                       ? home_expand(home, files->paths[0])
                       : NULL;
}

bool host_keys_load(struct host_keys **out_keys, const struct ssh_config *config,
                    const struct host_keys_place *place, const struct home *home, struct err *err)
{
        struct host_keys *keys = xcalloc(1, sizeof *keys);

        keys->home = home;
        keys->name = place->alias != NULL ? known_hosts_name(place->alias, 22)
                                          : known_hosts_name(place->host, place->port);
        if (place->alias == NULL && place->port != 22)
                keys->plain_name = known_hosts_name(place->host, 22);
        keys->add_to = file_to_add_to(config, place, home);
        keys->hash_names = config->hash_known_hosts;
        keys->trust_command = host_keys_make_trust_command(place);
        keys->ssh_command = host_keys_make_ssh_command(place, keys->add_to, home);
        keys->pins = place->pins != NULL ? xstrdup(place->pins) : NULL;
        if (!load_known(keys, &config->user_known_hosts, err)
            || !load_known(keys, &config->global_known_hosts, err)
            || !load_revoked(keys, &config->revoked_host_keys, err)) {
                host_keys_free(keys);
                return false;
        }
        *out_keys = keys;
        return true;
}

/* ---- the verdict ---- */

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

/*
 * OpenSSH: a key that is known for the host without a port will do for any port. One that is
 * revoked there is refused for any port, which OpenSSH forgets where it accepts new keys.
 */
static struct place_found find(const struct host_keys *keys, struct str blob)
{
        struct place_found found = look_up(keys, keys->name, blob);

        if (keys->plain_name == NULL)
                return found;
        struct place_found plain = look_up(keys, keys->plain_name, blob);
        bool counts =
                plain.finding.verdict == KNOWN_REVOKED
                || (plain.finding.verdict == KNOWN_OK && found.finding.verdict == KNOWN_UNKNOWN);
        return counts ? plain : found;
}

/* "ssh-ed25519 SHA256:…"; yours, free(). */
static char *describe(struct str blob)
{
        char print[FINGERPRINT_LEN + 1];
        scoped_free char *type = remote_text(key_blob_type(blob), TYPE_SHOWN_MAX);

        digest_fingerprint(print, (struct bytes){ blob.ptr, blob.len });
        return xasprintf("%s %s", type, print);
}

static bool check_kind(const struct host_keys *keys, struct str blob, const char *shown,
                       struct err *err)
{
        enum key_type type = known_hosts_type(key_blob_type(blob));

        return (type != KEY_OTHER && type != KEY_TYPES)
               || err_set(err, ERR_HOST_KEY,
                          "the host key of %s is of a kind that is not supported: it shows %s",
                          keys->name, shown);
}

static bool check_revoked(const struct host_keys *keys, struct str blob, const char *shown,
                          struct err *err)
{
        unsigned line = 0;

        for (unsigned i = 0; i < keys->revoked_count; i++) {
                const struct known_file *file = &keys->revoked[i];
                switch (revoked_keys_check(buf_str(&file->text), blob, &line)) {
                case REVOKED_NO: break;
                case REVOKED_YES:
                        return host_keys_refuse_revoked(keys, file->path, line, shown, err);
                case REVOKED_UNREADABLE:
                        return err_set(err, ERR_HOST_KEY,
                                       "the host key cannot be checked, because line %u of %s "
                                       "(RevokedHostKeys) is no public key: correct that line",
                                       line, file->path);
                case REVOKED_BINARY:
                        return err_set(err, ERR_HOST_KEY,
                                       "the host key cannot be checked, because %s "
                                       "(RevokedHostKeys) is a binary key revocation list, which "
                                       "is not supported: list the revoked public keys in a text "
                                       "file, one a line",
                                       file->path);
                }
        }
        return true;
}

bool host_keys_check(const struct host_keys *keys, enum host_key_policy policy, struct str blob,
                     bool *out_is_new, struct err *err)
{
        scoped_free char *shown = describe(blob);
        struct place_found found = find(keys, blob);

        *out_is_new = false;
        if (!check_kind(keys, blob, shown, err) || !check_revoked(keys, blob, shown, err))
                return false;
        if (keys->pins != NULL && found.finding.verdict != KNOWN_REVOKED)
                return fingerprints_have(str_of(keys->pins), strchr(shown, ' ') + 1)
                       || host_keys_refuse_pinned(keys, shown, err);
        if (found.finding.verdict == KNOWN_OK)
                return true;
        *out_is_new = found.finding.verdict == KNOWN_UNKNOWN && policy == HOST_KEY_ACCEPT_NEW
                      && keys->add_to != NULL;
        return *out_is_new || host_keys_refuse(keys, &found, shown, err);
}

/* ---- adding ---- */

/* As it is now: another program may have added the host since. */
static bool check_again(const struct host_keys *keys, struct str blob, bool *out_is_there,
                        struct err *err)
{
        struct known_file now = { 0 };
        struct err why;

        bool is_read = read_file(&now, keys->add_to, keys->home, &why);
        if (!is_read && why.code != ERR_NOT_FOUND) {
                free_files(&now, 1);
                return err_set(err, ERR_SYSTEM, "%s", why.text);
        }
        struct place_found found = { known_hosts_check(buf_str(&now.text), keys->name, blob),
                                     &now };
        bool is_fine = found.finding.verdict == KNOWN_UNKNOWN || found.finding.verdict == KNOWN_OK;
        *out_is_there = found.finding.verdict == KNOWN_OK;
        if (!is_fine) {
                scoped_free char *shown = describe(blob);
                (void)host_keys_refuse(keys, &found, shown, err);
        }
        free_files(&now, 1);
        return is_fine;
}

bool host_keys_add(const struct host_keys *keys, struct str blob, struct err *err)
{
        scoped_buf struct buf line;
        uint8_t salt[SHA1_LEN];
        bool is_there = false;

        buf_init(&line, 2 * KEY_BLOB_MAX);
        if (strcmp(keys->add_to, "/dev/null") == 0)
                return err_set(err, ERR_SYSTEM, "UserKnownHostsFile is /dev/null");
        if (!check_again(keys, blob, &is_there, err))
                return false;
        if (is_there)
                return true;
        random_bytes(salt, sizeof salt);
        return known_hosts_write_line(&line, keys->name, keys->hash_names ? salt : NULL, blob)
                       ? known_hosts_append(keys->add_to, keys->home, buf_str(&line), err)
                       : err_set(err, ERR_SYSTEM, "the key is too long");
}

char *host_keys_note_new(const struct host_keys *keys, struct str blob, const struct err *why)
{
        scoped_free char *shown = describe(blob);
        scoped_free char *came_of_it =
                why == NULL ? xasprintf("was added to %s", keys->add_to)
                            : xasprintf("could not be added to %s (%s) and will be new again",
                                        keys->add_to, why->text);

        return xasprintf("the host key of %s was not known: %s was accepted, because the policy "
                         "is accept-new, and %s. No password is sent on this first connection",
                         keys->name, shown, came_of_it);
}

/* ---- for a person ---- */

const char *host_keys_trust_command(const struct host_keys *keys)
{
        return keys->trust_command;
}

struct others {
        const struct known_file *file;
        struct buf text;
        unsigned count;
};

static void note_other(void *arg, unsigned line, struct str names)
{
        struct others *others = arg;

        if (others->count++ >= OTHERS_MAX)
                return;
        scoped_free char *shown = remote_text(names, OTHERS_TEXT_MAX / OTHERS_MAX / 2);
        (void)buf_printf(&others->text, "%s:%u: %s\n", others->file->path, line,
                         shown); /* full: the first ones are enough */
}

static void find_others(const struct host_keys *keys, struct str blob, struct others *out)
{
        for (unsigned i = 0; i < keys->count; i++) {
                out->file = &keys->files[i];
                known_hosts_find_key(buf_str(&out->file->text), keys->name, blob, note_other, out);
        }
        if (out->count > OTHERS_MAX)
                (void)buf_printf(&out->text, "and %u more\n", out->count - OTHERS_MAX);
}

static char *known_by(const struct host_keys *keys, struct str blob)
{
        struct place_found found = find(keys, blob);

        return keys->pins == NULL && found.file != NULL
                       ? xasprintf("%s:%u", found.file->path, found.finding.line)
                       : xstrdup("its pinned fingerprint");
}

void host_keys_show(const struct host_keys *keys, struct str blob, bool is_new, const char *address,
                    const struct connection_watch *watch)
{
        struct others others = { 0 };
        scoped_free char *type = remote_text(key_blob_type(blob), TYPE_SHOWN_MAX);
        scoped_free char *known = is_new ? NULL : known_by(keys, blob);
        char print[FINGERPRINT_LEN + 1];

        digest_fingerprint(print, (struct bytes){ blob.ptr, blob.len });
        buf_init(&others.text, OTHERS_TEXT_MAX);
        find_others(keys, blob, &others);
        struct host_key_shown shown = {
                .host = keys->name,
                .address = address,
                .type = type,
                .fingerprint = print,
                .known_by = known,
                .add_to = keys->add_to,
                .others = others.text.len > 0 ? (const char *)others.text.data : "",
        };
        watch->on_host_key(watch->arg, &shown);
        buf_fini(&others.text);
}

/* ---- algorithms, basis ---- */

char *host_keys_algorithms(const struct host_keys *keys, const char *configured)
{
        unsigned known = 0;

        for (unsigned i = 0; i < keys->count; i++)
                known |= known_hosts_types(buf_str(&keys->files[i].text), keys->name);
        for (unsigned i = 0; known == 0 && keys->plain_name != NULL && i < keys->count; i++)
                known |= known_hosts_types(buf_str(&keys->files[i].text), keys->plain_name);
        return host_key_algorithms_for(known, configured);
}

static void write_basis(struct buf *out, const struct file_list *files)
{
        (void)buf_append_byte(out, '\n'); /* never full: BASIS_MAX */
        for (unsigned i = 0; i < files->count; i++)
                (void)buf_printf(out, "%s\t", files->paths[i]);
}

char *host_keys_basis(const struct ssh_config *config, enum host_key_policy policy,
                      const char *pins)
{
        struct buf basis;

        buf_init(&basis, BASIS_MAX);
        (void)buf_printf(&basis, "%d %s\n%s", (int)policy,
                         config->host_key_alias != NULL ? config->host_key_alias : "",
                         pins != NULL ? pins : "");
        write_basis(&basis, &config->user_known_hosts);
        write_basis(&basis, &config->global_known_hosts);
        write_basis(&basis, &config->revoked_host_keys);
        return buf_take(&basis);
}
