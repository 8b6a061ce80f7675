#pragma once
/*
 * agent_keys.h - which keys the SSH agent behind the relay has, and which of them libssh may see.
 *
 * libssh's own way with an agent is to try every key it has. Here each key is tried by us, in the
 * order of the relay's list, and the one that the server takes is then made the only one that the
 * relay shows (session/login/agent_filter.h), so that libssh signs with that one.
 *
 * Process: worker. Blocks; the relay hangs up on an agent that does not answer.
 * Memory:  agent_keys_fini() accepts zeroed memory.
 * Source:  draft-miller-ssh-agent; the extension is our own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_KEYS_MAX 16 /* the relay shows no more; what is beyond is not tried */

struct agent_key {
        char *base64; /* the public key blob, RFC 4253 6.6, or a certificate */
        char *type;   /* its name: "ssh-ed25519" */
        char *name;   /* the comment, for people */
};

struct agent_keys {
        struct agent_key items[AGENT_KEYS_MAX];
        size_t count;
};

/* False: there is no agent any more, or it makes no sense; the list is then empty. */
bool agent_keys_load(struct agent_keys *keys, int fd);
void agent_keys_fini(struct agent_keys *keys);

/* From now on the relay shows this key alone; NULL: all again. False: it is gone, or refuses. */
bool agent_keys_select(int fd, const struct agent_key *key);
