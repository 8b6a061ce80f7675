#pragma once
/*
 * probe.h - asks the host's kernel about our terminals, over a side channel.
 *
 * The side channel is one exec channel per connection that runs `sh` and is given a few
 * functions on its standard input; then each question is one line to it. Nothing is written on
 * the host, and the helper ends with the connection. A host without /proc, or that gives us no
 * further channel, leaves the probe unavailable: then nobody guesses, commands are "running".
 *
 * Process: worker.
 * Memory:  probe_free() frees; accepts NULL.
 * Errors:  PROBE_UNAVAILABLE; an answer that does not come within PROBE_TIMEOUT_MS counts as one.
 */
#include "base/str.h"
#include "worker/shell/facts.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>

#define PROBE_TIMEOUT_MS 4000 /* for one answer, and for the helper to start */

struct probe;

enum probe_state {
        PROBE_STARTING,
        PROBE_IDLE,
        PROBE_ASKED,
        PROBE_UNAVAILABLE,
};

/* Begins to open the channel; nothing blocks. */
struct probe *probe_new(ssh_session ssh, int64_t now_ms);
void probe_free(struct probe *probe);

enum probe_state probe_state(const struct probe *probe);

/* Carries on with opening and with reading answers; call once a turn. */
void probe_turn(struct probe *probe, int64_t now_ms);

/* When probe_turn() must be called at the latest; INT64_MAX: no hurry. */
int64_t probe_deadline_ms(const struct probe *probe);

/*
 * Asks about the terminal of the process pid, or, with pid 0, which children of our sshd have
 * one. Only when PROBE_IDLE. owner is given back with the answer.
 */
void probe_ask(struct probe *probe, uint64_t owner, long long pid, int64_t now_ms);

/*
 * Asks about the child of our sshd that has no terminal and the nonce (letters, digits, '_', '-') in
 * its arguments, and what that child has started: the facts' modes mean nothing, and their
 * shell_pid is our sshd.
 */
void probe_ask_piped(struct probe *probe, uint64_t owner, const char *nonce, int64_t now_ms);

struct probe_answer {
        uint64_t owner;
        bool is_piped;
        bool is_list;       /* of children: then the lines are "c <pid> <stack> <name>" */
        struct str lines;   /* borrowed until the next probe_turn() */
        struct facts facts; /* only if not is_list */
};

/* True once per answer. */
bool probe_take_answer(struct probe *probe, struct probe_answer *out_answer);
