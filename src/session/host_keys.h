#pragma once
/*
 * host_keys.h - may we trust the key that a host shows? Strict, from OpenSSH's known_hosts files.
 *
 * Files are only read, never written. The verdict is OpenSSH's own on the same files with
 * StrictHostKeyChecking yes, whatever the configuration says about that.
 *
 * Process: supervisor.
 * Memory:  host_keys_free() accepts NULL and what host_keys_load() could not finish.
 * Errors:  ERR_HOST_KEY; the text has type, fingerprint, file:line and what mends it.
 */
#include "base/err.h"
#include "session/home.h"
#include "session/ssh_config.h"

struct host_keys;

struct host_keys_place {
        const char *host;  /* HostName as resolved */
        const char *alias; /* HostKeyAlias, NULL: none */
        const char *user;  /* for the advice only */
        int port;
};

/* A file that is there but cannot be read in full is an error: no verdict without it. */
bool host_keys_load(struct host_keys **out_keys, const struct ssh_config *config,
                    const struct host_keys_place *place, const struct home *home, struct err *err);
void host_keys_free(struct host_keys *keys);

/* type is the worker's word for it, blob the key (RFC 4253 6.6). */
bool host_keys_check(const struct host_keys *keys, struct str type, struct str blob,
                     struct err *err);

/*
 * Algorithms to ask the host for, those of known keys first, so that a host with a known RSA key
 * and a new Ed25519 key shows the one we can check. configured: HostKeyAlgorithms, NULL: any.
 * Yours, free().
 */
char *host_keys_algorithms(const struct host_keys *keys, const char *configured);

/* The pure part: known is a set of (1 << enum key_type). Yours, free(). */
char *host_key_algorithms_for(unsigned known, const char *configured);
