#pragma once
/*
 * overrides.h - the operator's word on a host: OVRD_<host>_HOST, _USER, _PORT, _PASS, _KEY,
 * _FINGERPRINT.
 *
 * <host> is the host as a call says it. An override beats what the call says otherwise.
 * OVRD_<host>_SUDO_PASS is for sudo there; _ENABLE_PASS is not used yet. No variable of either name
 * is taken for the OVRD_…_PASS of a host called …_SUDO or …_ENABLE.
 *
 * Process: supervisor.
 * Memory:  overrides_new() takes all of them out of the environment and overwrites the values in
 *          place, so that neither a child nor /proc/self/environ shows them.
 */
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>

struct overrides;

struct override { /* borrowed from the overrides; NULL and 0: not overridden */
        const char *host;
        const char *user;
        const char *key;
        int port;
        const struct secret *password;
        const char *fingerprints; /* the only host keys to accept; fingerprints.h */
        const struct secret *sudo_password;
        const struct secret *enable_password;
};

struct overrides *overrides_new(void);
void overrides_free(struct overrides *overrides);

/* Every value that is a secret, one after another. */
typedef bool overrides_visit(void *arg, const struct secret *secret, struct err *err);
bool overrides_each_secret(const struct overrides *overrides, overrides_visit *visit, void *arg,
                           struct err *err);

/* ERR_INPUT when the operator's value is outside the grammar; the text names the variable. */
bool overrides_find(const struct overrides *overrides, const char *host,
                    struct override *out_override, struct err *err);

bool override_is_any(const struct override *override);

/* Host or user are nobody's business but the operator's: results show what the call said. */
bool override_is_hiding(const struct override *override);
