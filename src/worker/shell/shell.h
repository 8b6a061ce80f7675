#pragma once
/*
 * shell.h - one persistent login shell on a PTY, and the commands that run in it.
 *
 * A command is typed as one wrapper line (wrapper.h) when the shell is known to be at its prompt
 * and runs from its start mark to its end mark (marker.h); what lies outside is not its output.
 * While a command whose program is a nested shell is open, the next command is typed into that.
 *
 * How a shell ends.
 * - it exits, by a command (`exit`, `set -e`, `kill -9 $$`) or by itself: the host closes the
 *   channel; its commands end with what the channel told, then WIRE_SHELL_ENDED
 * - the supervisor closes it (shell_close): its commands end as INTERRUPTED, then the same
 * - it never gets to a prompt that we can type at: refused commands, then the same
 * After that shell_is_over() is true and the worker frees it. The connection's end is the
 * worker's own: it takes everything with it.
 *
 * Process: worker.
 * Memory:  shell_free() frees; accepts NULL. Frames buffer and session are borrowed.
 * Errors:  all told by frames.
 */
#include "worker/channel_env.h"
#include "worker/job.h"
#include "worker/shell/probe.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>

#define SHELL_DEPTH_MAX 16 /* commands inside one another; one more is refused */

struct shell;

struct shell_config {
        uint64_t id;
        uint32_t columns, rows;
        ssh_session ssh;               /* not ours */
        const struct channel_env *env; /* not ours */
        struct buf *frames;            /* not ours */
};

/* Its channel is held until shell_start(). */
struct shell *shell_new(const struct shell_config *config, int64_t now_ms);
void shell_free(struct shell *shell);

/*
 * Which of sshd's children a shell is, is known by elimination: the one that no other shell has.
 * So one shell at a time is started, and the next when the child of the one before is found, or
 * SHELL_FIND_MS are over.
 */
#define SHELL_FIND_MS 5000
void shell_start(struct shell *shell, int64_t now_ms);
bool shell_is_held(const struct shell *shell);
bool shell_is_being_found(const struct shell *shell, int64_t now_ms);

uint64_t shell_id(const struct shell *shell);
bool shell_is_over(const struct shell *shell);

/* Takes the job, whose text is complete. Typed as soon as the shell is at a prompt. */
void shell_run(struct shell *shell, struct job **job, int64_t now_ms);
bool shell_has_job(const struct shell *shell, uint64_t job_id);
void shell_input(struct shell *shell, const void *bytes, size_t len, int64_t now_ms);
void shell_interrupt(struct shell *shell, uint64_t job_id, int64_t now_ms);
/* For a command that is elevated and waits for it; else it is not used. */
void shell_take_password(struct shell *shell, uint64_t job_id, struct str password, int64_t now_ms);
void shell_close(struct shell *shell);

/* Reads at most budget bytes from the host, and does what is due. */
void shell_turn(struct shell *shell, size_t budget, int64_t now_ms);
int64_t shell_deadline_ms(const struct shell *shell); /* INT64_MAX: nothing is due */

/* ---- the probe, which the worker shares out among its shells ---- */

/* True if the shell wants to ask now; *out_pid is what to ask about, as in probe_ask(). */
bool shell_wants_probe(const struct shell *shell, int64_t now_ms, long long *out_pid);

void shell_on_asked(struct shell *shell); /* the question went out: no other until its answer */

/* Which process the shell is; 0 not known. A new shell is the child of sshd that no other has. */
long long shell_pid(const struct shell *shell);
long long shell_stack(const struct shell *shell); /* where its stack starts, see facts.h; 0 unknown */

/* The answer to a question about pid 0: the new child, or 0 if there is none yet. */
void shell_on_child(struct shell *shell, long long pid, int64_t now_ms);
void shell_on_facts(struct shell *shell, const struct facts *facts, int64_t now_ms);

/* There will be no answers on this connection (any more). */
void shell_on_no_probe(struct shell *shell, int64_t now_ms);
