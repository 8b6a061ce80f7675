#pragma once
/*
 * keyring.h - the passwords and passphrases that a person typed and that proved good, for the
 * life of the server: a connection that was lost comes back without asking again.
 *
 * One-time codes never get here. What a host refuses is forgotten.
 *
 * Process: supervisor. Pure.
 * Memory:  the secrets are copies in locked memory; keyring_free() wipes them, NULL is fine.
 */
#include "base/secret.h"

#define KEYRING_MAX 64 /* secrets; the one that was kept first is then forgotten */

struct keyring;

enum keyring_kind {
        KEYRING_PASSWORD,   /* name: user, host, port, the way there and what its key is judged by */
        KEYRING_PASSPHRASE, /* name: path of the key file */
        KEYRING_SUDO,       /* for sudo; name: as of a password. Not known to be good when kept */
};

struct keyring *keyring_new(void);
void keyring_free(struct keyring *keyring);

/* Borrowed until the next change; NULL: there is none. */
const struct secret *keyring_find(const struct keyring *keyring, enum keyring_kind kind,
                                  const char *name);
void keyring_keep(struct keyring *keyring, enum keyring_kind kind, const char *name,
                  const struct secret *secret);
void keyring_forget(struct keyring *keyring, enum keyring_kind kind, const char *name);
