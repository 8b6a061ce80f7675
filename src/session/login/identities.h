#pragma once
/*
 * identities.h - the private keys to try, read here because the worker may open no file.
 *
 * A key that cannot be used (no such file, open to others, too large) is passed over with a
 * reason, except the one that the caller named: that is an error. With each key goes its public
 * half, where it can be told without a passphrase, and its user certificates: those of the
 * configuration (CertificateFile), or without any, NAME-cert.pub beside it.
 *
 * Process: supervisor.
 * Memory:  the texts of the keys are secrets; identities_fini() accepts zeroed memory.
 */
#include "base/err.h"
#include "base/secret.h"
#include "session/config/home.h"
#include "session/config/ssh_config.h"
#include "session/host_key/key_blob.h"

#define IDENTITIES_MAX   16
#define CERTIFICATES_MAX 16 /* more are left out */
#define OFFERS_MAX       16 /* as many as a worker takes; more are not tried anyway */
#define IDENTITY_KEY_MAX (60 * 1024) /* bytes; one must fit a wire frame */

struct identity {
        char *name; /* path as shown to people, "~/.ssh/id_ed25519" */
        char *path;
        struct secret *key; /* NULL: passed over, or handed on already */
        char *public_key;   /* "type base64"; NULL: not known */
        char *why_not; /* NULL: it can be used; "": no such file, which is nothing to tell of */
};

struct certificate {
        char *name;
        char *line;
        unsigned identity;    /* whose; index into items */
        bool is_configured;   /* by CertificateFile */
};

/* One thing to show to a server: a key, or one of its certificates. */
struct identity_offer {
        unsigned identity;
        const struct certificate *certificate; /* NULL: the plain key */
};

struct identities {
        struct identity items[IDENTITIES_MAX];
        unsigned count;
        struct certificate certificates[CERTIFICATES_MAX];
        unsigned certificate_count;
};

/* key_filename comes first, then the configuration's; NULL: none was given. */
bool identities_load(struct identities *identities, const char *key_filename,
                     const struct ssh_config *config, const char *host_given,
                     const struct home *home, struct err *err);
void identities_fini(struct identities *identities);

/* "; not tried: ~/.ssh/id_rsa (open to others: chmod 600)", or "". Yours, free(). */
char *identities_not_tried(const struct identities *identities);

/*
 * What to try, in OpenSSH's order: the key that the caller named (is_first_chosen), configured
 * certificates; then (*out_before_agent of them come before the agent's keys) the other keys,
 * each behind the certificates beside it. Returns how many.
 */
unsigned identities_offers(const struct identities *identities, bool is_first_chosen,
                           struct identity_offer out[OFFERS_MAX], unsigned *out_before_agent);

/*
 * The public keys and certificates of those files: the agent's keys that come first, or with
 * IdentitiesOnly the only ones. Yours, key_blobs_free().
 */
struct key_blobs *identities_public_keys(const struct identities *identities);

/*
 * What may come in the name of an identity file: %d %h %n %p %r %u %i %l %k %%; NULL when the
 * name has another token. Yours, free().
 */
char *identities_expand(const char *path, const struct ssh_config *config, const char *host_given,
                        const struct home *home);
