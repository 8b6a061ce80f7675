#pragma once
/*
 * auth.h - authentication (RFC 4252) in OpenSSH's order: none, keys, keyboard-interactive, password.
 *
 * Blocks, on purpose: nothing else lives in a worker yet, and the supervisor kills one that
 * takes too long.
 *
 * Process: worker, after the host key was found good.
 * Memory:  keys are the caller's; nothing is kept.
 * Errors:  ERR_AUTH with what was tried and why it failed, or ERR_CONNECT when the host hung up.
 */
#include "base/err.h"
#include "base/str.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stddef.h>

#define AUTH_ATTEMPTS_MAX 6  /* keys offered; a server's MaxAuthTries is 6 as a rule */
#define AUTH_KEYS_MAX     16 /* private keys the supervisor may send */
#define AUTH_METHOD_MAX   128

struct auth_key {
        char *name;        /* for people: the file */
        char *pem;         /* private key, OpenSSH or PEM format */
        char *passphrase;  /* "" none is known */
        char *certificate; /* the line of a -cert.pub file, "" none */
};

struct auth_offer {
        struct str user;
        struct str password; /* "" none */
        struct str methods;  /* that may be tried, in that order: "publickey,password" */
        bool use_agent;
        const struct auth_key *keys;
        size_t key_count;
        size_t keys_before_agent; /* the first so many are tried before the agent's */
        bool is_new_host;         /* it gets no password and no answer */
};

/* out_method: what succeeded, for people: "publickey (~/.ssh/id_ed25519)". */
bool auth_run(ssh_session ssh, const struct auth_offer *offer, char out_method[AUTH_METHOD_MAX],
              struct err *err);
