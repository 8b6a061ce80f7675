#include "session/identities.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/small_file.h"
#include "session/target.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_TRIED_MAX 512 /* characters of the text that tells what was passed over */

void identities_fini(struct identities *identities)
{
        for (unsigned i = 0; i < identities->count; i++) {
                free(identities->items[i].name);
                free(identities->items[i].path);
                free(identities->items[i].why_not);
                secret_free(identities->items[i].key);
        }
        *identities = (struct identities){ 0 };
}

static bool add_token(struct buf *out, char token, const struct ssh_config *config,
                      const char *host_given, const struct home *home)
{
        char name[256] = "";

        switch (token) {
        case '%': return buf_append_byte(out, '%');
        case 'd': return buf_append_str(out, home->dir);
        case 'h': return buf_append_str(out, config->hostname);
        case 'n': return buf_append_str(out, host_given);
        case 'k':
                return buf_append_str(out, config->host_key_alias != NULL ? config->host_key_alias
                                                                          : host_given);
        case 'p': return buf_printf(out, "%d", config->port);
        case 'r': return buf_append_str(out, config->user);
        case 'u': return buf_append_str(out, home->user);
        case 'i': return buf_printf(out, "%u", (unsigned)getuid());
        case 'l': return gethostname(name, sizeof name - 1) == 0 && buf_append_str(out, name);
        default: return false;
        }
}

char *identities_expand(const char *path, const struct ssh_config *config, const char *host_given,
                        const struct home *home)
{
        scoped_buf struct buf text;
        bool is_good = true;

        buf_init(&text, KEY_PATH_MAX);
        for (; is_good && *path != 0; path++) {
                if (*path != '%')
                        is_good = buf_append_byte(&text, (uint8_t)*path);
                else if (path[1] != 0)
                        is_good = add_token(&text, *++path, config, host_given, home);
                else
                        is_good = false;
        }
        return is_good && text.len > 0 ? home_expand(home, (const char *)text.data) : NULL;
}

static bool read_key(struct identity *identity, struct err *err)
{
        scoped_buf struct buf text;
        struct stat is;

        buf_init(&text, IDENTITY_KEY_MAX);
        if (!buf_reserve(&text, IDENTITY_KEY_MAX)) /* at once: growing would leave copies behind */
                return err_set(err, ERR_SYSTEM, "out of memory");
        if (!small_file_read(identity->path, &text, &is, err)) {
                secret_wipe(text.data, text.len);
                return false;
        }
        if (is.st_uid == getuid() && (is.st_mode & 077) != 0) /* OpenSSH's rule */
                (void)err_set(err, ERR_SYSTEM, "open to others: chmod 600 it");
        else if (memmem(text.data, text.len, "PRIVATE KEY", 11) == NULL)
                (void)err_set(err, ERR_SYSTEM, "not a private key");
        else
                identity->key = secret_new(text.data, text.len);
        secret_wipe(text.data, text.len);
        return identity->key != NULL;
}

static bool has_path(const struct identities *identities, const char *path)
{
        for (unsigned i = 0; i < identities->count; i++)
                if (strcmp(identities->items[i].path, path) == 0)
                        return true;
        return false;
}

/* Takes path; false and *err if it was not read. */
static bool add(struct identities *identities, char **path, const struct home *home,
                struct err *err)
{
        struct identity *identity = &identities->items[identities->count++];

        identity->path = *path;
        identity->name = home_shorten(home, *path);
        *path = NULL;
        if (read_key(identity, err))
                return true;
        identity->why_not = xstrdup(err->code == ERR_NOT_FOUND ? "" : err->text);
        if (err->code != ERR_NOT_FOUND)
                log_debug("key %s: %s", identity->name, err->text); /* may be an override's */
        return false;
}

bool identities_load(struct identities *identities, const char *key_filename,
                     const struct ssh_config *config, const char *host_given,
                     const struct home *home, struct err *err)
{
        struct err why;

        if (key_filename != NULL) {
                scoped_free char *path = home_expand(home, key_filename);
                if (!add(identities, &path, home, &why))
                        return err_set(err, ERR_AUTH, "key file %s cannot be used: %s",
                                       key_filename, why.text);
        }
        for (unsigned i = 0; i < config->identities.count && !config->no_public_keys; i++) {
                scoped_free char *path =
                        identities_expand(config->identities.paths[i], config, host_given, home);
                if (path == NULL)
                        log_info("key %s: has a %%-token that is not supported",
                                 config->identities.paths[i]);
                else if (identities->count < IDENTITIES_MAX && !has_path(identities, path))
                        (void)add(identities, &path, home, &why); /* the reason is kept with it */
        }
        return true;
}

static bool add_public_key(struct key_blobs *blobs, const char *path)
{
        scoped_buf struct buf text;
        struct err why;

        buf_init(&text, IDENTITY_KEY_MAX);
        return small_file_read(path, &text, NULL, &why)
               && key_blobs_add_line(blobs, buf_str(&text));
}

struct key_blobs *identities_public_keys(const struct identities *identities)
{
        struct key_blobs *blobs = xcalloc(1, sizeof *blobs);

        for (unsigned i = 0; i < identities->count; i++) {
                const struct identity *at = &identities->items[i];
                scoped_free char *beside = xasprintf("%s.pub", at->path);
                if (at->key != NULL || !add_public_key(blobs, at->path))
                        (void)add_public_key(blobs, beside); /* has none: not the agent's to use */
        }
        return blobs;
}

char *identities_not_tried(const struct identities *identities)
{
        struct buf text;

        buf_init(&text, NOT_TRIED_MAX);
        for (unsigned i = 0; i < identities->count; i++) {
                const struct identity *at = &identities->items[i];
                if (at->why_not != NULL && at->why_not[0] != 0)
                        (void)buf_printf(&text, "%s%s (%s)", text.len == 0 ? "; not tried: " : ", ",
                                         at->name, at->why_not); /* full: the rest is not told */
        }
        return buf_take(&text);
}
