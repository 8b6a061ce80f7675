#pragma once
/*
 * agent_filter.h - which of a worker's requests reach the SSH agent: what keys there are, and
 * signatures, a few of them. Everything else (adding, removing, locking keys) is answered with a
 * failure without the agent ever seeing it.
 *
 * The list of keys is put into OpenSSH's order on its way back: first those that the
 * configuration names, as it names them, then the others, and no more than AGENT_SHOWN_MAX. The
 * worker may select one key of the list, by a message of our own that the agent does not see;
 * from then on it is the only one in the list.
 *
 * What is signed has to be a log-in by public key (RFC 4252 7) of this user with this key: a
 * worker that was taken over gets no signature under anything else.
 *
 * Source:  draft-miller-ssh-agent; RFC 4252 7.
 *
 * Process: supervisor. Pure.
 */
#include "session/host_key/key_blob.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_MESSAGE_MAX (256 * 1024) /* bytes, OpenSSH's own limit */
#define AGENT_SIGN_MAX    6            /* signatures for one connection; see AUTH_ATTEMPTS_MAX */
#define AGENT_SHOWN_MAX   16           /* keys in the list; no server takes so many attempts */

#define AGENT_REQUEST_IDENTITIES 11 /* the message type: which keys are there? */

struct agent_filter {
        unsigned signs;
        const char *user; /* not ours; NULL: whatever is to be signed */
        const struct key_blobs *preferred; /* not ours; in the order of the configuration */
        bool preferred_only;               /* the other keys do not exist (IdentitiesOnly) */
        size_t selected_len;               /* 0: none is selected */
        uint8_t selected[KEY_BLOB_MAX];
};

enum agent_verdict {
        AGENT_MORE,   /* the message is not whole yet */
        AGENT_PASS,   /* *out_used bytes may go to the agent */
        AGENT_REFUSE, /* *out_used bytes are to be answered with agent_failure */
        AGENT_TAKEN,  /* *out_used bytes were for the filter; to be answered with agent_success */
        AGENT_BAD,    /* no message begins so: end the relay */
};

enum agent_verdict agent_filter_look(struct agent_filter *filter, const uint8_t *bytes, size_t len,
                                     size_t *out_used);

/* Where the agent's answer ends; AGENT_MORE, AGENT_PASS or AGENT_BAD. */
enum agent_verdict agent_answer_look(const uint8_t *bytes, size_t len, size_t *out_used);

/*
 * Appends the agent's whole answer; a list of keys in its new order, without those that are not
 * to be shown. False: it makes no sense; out is then as it was.
 */
bool agent_answer_pass(const struct agent_filter *filter, struct str answer, struct buf *out);

/* A whole SSH_AGENT_FAILURE, and a whole SSH_AGENT_SUCCESS. */
#define AGENT_SHORT_LEN 5
extern const uint8_t agent_failure[AGENT_SHORT_LEN];
extern const uint8_t agent_success[AGENT_SHORT_LEN];
