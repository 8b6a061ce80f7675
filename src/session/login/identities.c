#include "session/login/identities.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/config/target.h"
#include "session/host_key/key_blob.h"
#include "session/small_file.h"

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
                free(identities->items[i].public_key);
                secret_free(identities->items[i].key);
        }
        for (unsigned i = 0; i < identities->certificate_count; i++) {
                free(identities->certificates[i].name);
                free(identities->certificates[i].line);
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

/* ---- public halves and certificates ---- */

/* "type base64" out of the first line of a file; NULL: it has none. Yours, free(). */
static char *read_public_line(const char *path)
{
        scoped_buf struct buf text;
        scoped_buf struct buf blob;
        struct str line;
        struct err why;

        buf_init(&text, IDENTITY_KEY_MAX);
        buf_init(&blob, KEY_BLOB_MAX);
        if (!small_file_read(path, &text, NULL, &why))
                return NULL;
        struct str rest = buf_str(&text);
        if (!str_line(&rest, &line))
                return NULL;
        struct str type = str_word(&line);
        struct str base64 = str_word(&line);
        return key_blob_parse(type, base64, &blob) ? key_blob_line(buf_str(&blob)) : NULL;
}

/* OpenSSH looks in the file itself first, then beside it. */
static void find_public_half(struct identity *identity)
{
        scoped_free char *beside = xasprintf("%s.pub", identity->path);
        scoped_buf struct buf blob;

        buf_init(&blob, KEY_BLOB_MAX);
        if (identity->key == NULL)
                identity->public_key = read_public_line(identity->path);
        else if (key_blob_from_private((struct str){ secret_bytes(identity->key),
                                                     secret_len(identity->key) },
                                       &blob))
                identity->public_key = key_blob_line(buf_str(&blob));
        if (identity->public_key == NULL)
                identity->public_key = read_public_line(beside);
}

static bool is_certificate_of(const char *certificate, const char *public_key)
{
        struct str lines[2] = { str_of(certificate), str_of(public_key) };
        struct buf blobs[2];
        bool ok = true;

        for (unsigned i = 0; i < 2; i++) {
                struct str type = str_word(&lines[i]);
                buf_init(&blobs[i], KEY_BLOB_MAX);
                ok = key_blob_parse(type, str_word(&lines[i]), &blobs[i]) && ok;
        }
        ok = ok && key_blob_is_certificate_of(buf_str(&blobs[0]), buf_str(&blobs[1]));
        buf_fini(&blobs[0]);
        buf_fini(&blobs[1]);
        return ok;
}

/* Takes line; false: it is the certificate of none of the keys. */
static bool add_certificate(struct identities *identities, char **line, const char *path,
                            bool is_configured, const struct home *home)
{
        for (unsigned i = 0; i < identities->count; i++) {
                const struct identity *at = &identities->items[i];
                if (at->key == NULL || at->public_key == NULL
                    || !is_certificate_of(*line, at->public_key)
                    || identities->certificate_count == CERTIFICATES_MAX)
                        continue;
                identities->certificates[identities->certificate_count++] = (struct certificate){
                        .name = home_shorten(home, path),
                        .line = *line,
                        .identity = i,
                        .is_configured = is_configured,
                };
                *line = NULL;
                return true;
        }
        return false;
}

/* A certificate that cannot be used is listed with the keys that cannot be. */
static void pass_over_certificate(struct identities *identities, const char *path, const char *why,
                                  const struct home *home)
{
        if (identities->count == IDENTITIES_MAX)
                return;
        identities->items[identities->count++] = (struct identity){
                .path = xstrdup(path),
                .name = home_shorten(home, path),
                .why_not = xstrdup(why),
        };
}

static void load_configured_certificate(struct identities *identities, const char *path,
                                        const struct home *home)
{
        scoped_free char *line = read_public_line(path);

        if (line == NULL)
                pass_over_certificate(identities, path, "no certificate can be read there", home);
        else if (!add_certificate(identities, &line, path, true, home))
                pass_over_certificate(identities, path,
                                      "a certificate of none of the key files; one whose key is "
                                      "in the agent has to be there too: ssh-add the key file",
                                      home);
}

static void load_certificates(struct identities *identities, const struct ssh_config *config,
                              const char *host_given, const struct home *home)
{
        unsigned keys = identities->count;

        for (unsigned i = 0; i < config->certificates.count && !config->no_public_keys; i++) {
                scoped_free char *path =
                        identities_expand(config->certificates.paths[i], config, host_given, home);
                if (path != NULL)
                        load_configured_certificate(identities, path, home);
        }
        for (unsigned i = 0; i < keys && config->certificates.count == 0; i++) {
                scoped_free char *path = xasprintf("%s-cert.pub", identities->items[i].path);
                scoped_free char *line = read_public_line(path);
                if (line != NULL && !add_certificate(identities, &line, path, false, home))
                        log_info("%s: not a certificate of the key beside it", path);
        }
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
        bool is_read = read_key(identity, err);
        find_public_half(identity);
        if (is_read)
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
        load_certificates(identities, config, host_given, home);
        return true;
}

/* ---- in which order ---- */

/* The offers under way. */
struct offers {
        const struct identities *identities;
        struct identity_offer *out;
        unsigned count;
};

static void offer(struct offers *offers, unsigned identity, const struct certificate *certificate)
{
        for (unsigned i = 0; i < offers->count; i++)
                if (offers->out[i].identity == identity
                    && offers->out[i].certificate == certificate)
                        return;
        if (offers->count < OFFERS_MAX)
                offers->out[offers->count++] = (struct identity_offer){ identity, certificate };
}

static void offer_certificates(struct offers *offers, unsigned identity)
{
        for (unsigned i = 0; i < offers->identities->certificate_count; i++)
                if (offers->identities->certificates[i].identity == identity)
                        offer(offers, identity, &offers->identities->certificates[i]);
}

unsigned identities_offers(const struct identities *identities, bool is_first_chosen,
                           struct identity_offer out[OFFERS_MAX], unsigned *out_before_agent)
{
        struct offers offers = { identities, out, 0 };

        if (is_first_chosen && identities->count > 0 && identities->items[0].key != NULL) {
                offer_certificates(&offers, 0);
                offer(&offers, 0, NULL);
        }
        for (unsigned i = 0; i < identities->certificate_count; i++)
                if (identities->certificates[i].is_configured)
                        offer(&offers, identities->certificates[i].identity,
                              &identities->certificates[i]);
        *out_before_agent = offers.count;
        for (unsigned i = 0; i < identities->count; i++) {
                if (identities->items[i].key == NULL)
                        continue;
                offer_certificates(&offers, i);
                offer(&offers, i, NULL);
        }
        return offers.count;
}

struct key_blobs *identities_public_keys(const struct identities *identities)
{
        struct key_blobs *blobs = xcalloc(1, sizeof *blobs);

        for (unsigned i = 0; i < identities->count; i++) {
                scoped_free char *path = xasprintf("%s-cert.pub", identities->items[i].path);
                scoped_free char *certificate = read_public_line(path);
                if (identities->items[i].public_key != NULL)
                        (void)key_blobs_add_line(blobs, str_of(identities->items[i].public_key));
                if (certificate != NULL)
                        (void)key_blobs_add_line(blobs, str_of(certificate)); /* full: left out */
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
