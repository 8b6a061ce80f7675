#pragma once
/*
 * host_keys.h - may we trust the key that a host shows? From OpenSSH's known_hosts files, or by
 * the fingerprints that the operator pinned.
 *
 * The verdict is OpenSSH's own on the same files. A changed or revoked key is refused whatever the
 * policy; so is every key but the pinned ones where there are any. Files are read once, and a new
 * key is added to the first user file where the policy or a person says so.
 *
 *      host_keys.c            reads the files, judges, adds
 *      host_key_refusals.c    says why not, and what to do
 *
 * Process: supervisor.
 * Memory:  host_keys_free() accepts NULL and what host_keys_load() could not finish.
 * Errors:  ERR_HOST_KEY; the text has type, fingerprint, file:line and what mends it.
 */
#include "base/err.h"
#include "session/config/home.h"
#include "session/config/ssh_config.h"
#include "session/watch.h"

struct host_keys;

struct host_keys_place {
        const char *host;       /* HostName as resolved */
        const char *alias;      /* HostKeyAlias, NULL: none */
        const char *user;       /* these three for the advice only */
        const char *typed;      /* the host as a person types it */
        const char *ssh_config; /* --ssh-config, NULL: none */
        const char *pins;       /* fingerprints.h, valid; NULL: known_hosts decides */
        int port;
};

/* A file that is there but cannot be read in full is an error: no verdict without it. */
bool host_keys_load(struct host_keys **out_keys, const struct ssh_config *config,
                    const struct host_keys_place *place, const struct home *home, struct err *err);
void host_keys_free(struct host_keys *keys);

/*
 * blob: the key (RFC 4253 6.6). *out_is_new: nobody knows the key, and HOST_KEY_ACCEPT_NEW lets it
 * in; the host gets no secret then.
 */
bool host_keys_check(const struct host_keys *keys, enum host_key_policy policy, struct str blob,
                     bool *out_is_new, struct err *err);

/*
 * Adds a new key to the first UserKnownHostsFile, as OpenSSH would. ERR_SYSTEM: it could not be
 * written. ERR_HOST_KEY: meanwhile the file has another key for the host.
 */
bool host_keys_add(const struct host_keys *keys, struct str blob, struct err *err);

/* What came of it, for whoever asked for the connection; why NULL: added. Yours, free(). */
char *host_keys_note_new(const struct host_keys *keys, struct str blob, const struct err *why);

/* What a person runs to look at the key and to add it: "mcp-ssh-session trust web". Borrowed. */
const char *host_keys_trust_command(const struct host_keys *keys);

/* Calls on_host_key of the watch with all there is to know of a key that was not refused. */
void host_keys_show(const struct host_keys *keys, struct str blob, bool is_new, const char *address,
                    const struct connection_watch *watch);

/*
 * Algorithms to ask the host for, those of known keys first, so that a host with a known RSA key
 * and a new Ed25519 key shows the one we can check. configured: HostKeyAlgorithms, NULL: any.
 * Yours, free().
 */
char *host_keys_algorithms(const struct host_keys *keys, const char *configured);

/*
 * All that decides which keys are trusted, as a text: a connection may stand for another one only
 * where it is the same. Yours, free().
 */
char *host_keys_basis(const struct ssh_config *config, enum host_key_policy policy,
                      const char *pins);
