#pragma once
/*
 * agent_filter.h - which of a worker's requests reach the SSH agent: what keys there are, and
 * signatures, a few of them. Everything else (adding, removing, locking keys) is answered with a
 * failure without the agent ever seeing it.
 *
 * Process: supervisor. Pure.
 */
#include "session/key_blob.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_MESSAGE_MAX (256 * 1024) /* bytes, OpenSSH's own limit */
#define AGENT_SIGN_MAX    12           /* signatures for one connection */

#define AGENT_REQUEST_IDENTITIES 11 /* the message type: which keys are there? */

struct agent_filter {
        unsigned signs;
        const struct key_blobs *allowed; /* not ours; NULL: every key the agent has */
};

enum agent_verdict {
        AGENT_MORE,   /* the message is not whole yet */
        AGENT_PASS,   /* *out_used bytes may go to the agent */
        AGENT_REFUSE, /* *out_used bytes are to be answered with agent_failure */
        AGENT_BAD,    /* no message begins so: end the relay */
};

enum agent_verdict agent_filter_look(struct agent_filter *filter, const uint8_t *bytes, size_t len,
                                     size_t *out_used);

/* Where the agent's answer ends; AGENT_MORE, AGENT_PASS or AGENT_BAD. */
enum agent_verdict agent_answer_look(const uint8_t *bytes, size_t len, size_t *out_used);

/*
 * Appends the agent's whole answer, without the keys that are not allowed. False: it makes no
 * sense; out is then as it was.
 */
bool agent_answer_pass(const struct agent_filter *filter, struct str answer, struct buf *out);

/* A whole SSH_AGENT_FAILURE message. */
#define AGENT_FAILURE_LEN 5
extern const uint8_t agent_failure[AGENT_FAILURE_LEN];
