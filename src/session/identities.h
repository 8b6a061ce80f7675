#pragma once
/*
 * identities.h - the private keys to try, read here because the worker may open no file.
 *
 * A key that cannot be used (no such file, open to others, too large) is passed over with a
 * reason, except the one that the caller named: that is an error.
 *
 * Process: supervisor.
 * Memory:  the texts of the keys are secrets; identities_fini() accepts zeroed memory.
 */
#include "base/err.h"
#include "base/secret.h"
#include "session/home.h"
#include "session/key_blob.h"
#include "session/ssh_config.h"

#define IDENTITIES_MAX   16
#define IDENTITY_KEY_MAX (60 * 1024) /* bytes; one must fit a wire frame */

struct identity {
        char *name; /* path as shown to people, "~/.ssh/id_ed25519" */
        char *path;
        struct secret *key; /* NULL: passed over, or handed on already */
        char *why_not; /* NULL: it can be used; "": no such file, which is nothing to tell of */
};

struct identities {
        struct identity items[IDENTITIES_MAX];
        unsigned count;
};

/* key_filename comes first, then the configuration's; NULL: none was given. */
bool identities_load(struct identities *identities, const char *key_filename,
                     const struct ssh_config *config, const char *host_given,
                     const struct home *home, struct err *err);
void identities_fini(struct identities *identities);

/* "; not tried: ~/.ssh/id_rsa (open to others: chmod 600)", or "". Yours, free(). */
char *identities_not_tried(const struct identities *identities);

/*
 * The public keys of those files, for IdentitiesOnly: what is in them if they are public keys
 * themselves, else in the file beside with .pub. Yours, key_blobs_free().
 */
struct key_blobs *identities_public_keys(const struct identities *identities);

/*
 * What may come in the name of an identity file: %d %h %n %p %r %u %i %l %k %%; NULL when the
 * name has another token. Yours, free().
 */
char *identities_expand(const char *path, const struct ssh_config *config, const char *host_given,
                        const struct home *home);
