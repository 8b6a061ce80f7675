#pragma once
/*
 * overrides.h - the operator's word on a host: OVRD_<host>_HOST, _USER, _PORT, _PASS, _KEY,
 * _FINGERPRINT.
 *
 * <host> is the host as a call says it. An override beats what the call says otherwise.
 * OVRD_<host>_SUDO_PASS and _ENABLE_PASS are not used yet.
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
};

struct overrides *overrides_new(void);
void overrides_free(struct overrides *overrides);

/* ERR_INPUT when the operator's value is outside the grammar; the text names the variable. */
bool overrides_find(const struct overrides *overrides, const char *host,
                    struct override *out_override, struct err *err);
