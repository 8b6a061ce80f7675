#pragma once
/*
 * auth.h - authentication (RFC 4252) as OpenSSH does it: `none` to learn what is offered, then
 * the methods in the order of the configuration, going on after each partial success with those
 * that the server still wants.
 *
 * Blocks, on purpose: nothing else lives in a worker yet, and the supervisor kills one that
 * takes too long. While a person is asked, WIRE_STOP is still obeyed.
 *
 * Process: worker, after the host key was found good.
 * Memory:  keys are the caller's; nothing is kept.
 * Errors:  ERR_AUTH with what was tried and why it failed, ERR_CONNECT when the host hung up,
 *          ERR_CANCELLED after WIRE_STOP. Before an ERR_AUTH a WIRE_ADVICE is written.
 */
#include "base/err.h"
#include "base/str.h"
#include "worker/frame_socket.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stddef.h>

#define AUTH_ATTEMPTS_MAX 6  /* refused ones; a server's MaxAuthTries is 6 as a rule */
#define AUTH_KEYS_MAX     16 /* private keys the supervisor may send */
#define AUTH_METHOD_MAX   128
#define AUTH_PATIENCE_S   1  /* libssh's time-out meanwhile; see auth_is_slow() */

/* With a certificate it is the certificate that is offered, and nothing else. */
struct auth_key {
        char *name;        /* for people: the file */
        char *pem;         /* private key, OpenSSH or PEM format */
        char *passphrase;  /* "" none is known */
        char *certificate; /* the line of a -cert.pub file, "" none */
        char *public_key;  /* "type base64", "" not known without the private half */
};

struct auth_offer {
        struct str user;
        struct str password; /* "" none */
        struct str methods;  /* that may be tried, in that order: "publickey,password" */
        int agent_fd;        /* -1: no agent */
        const struct auth_key *keys;
        size_t key_count;
        size_t keys_before_agent; /* the first so many are tried before the agent's */
        bool is_new_host;         /* it gets no password and no answer */
        bool may_prompt;          /* a person is there to answer */
        unsigned password_prompts; /* how often the person is asked for one secret */
};

/* out_method: what succeeded, for people: "publickey (~/.ssh/id_ed25519)". */
bool auth_run(ssh_session ssh, struct frame_socket *frames, const struct auth_offer *offer,
              char out_method[AUTH_METHOD_MAX], struct err *err);
