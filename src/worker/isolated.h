#pragma once
/*
 * isolated.h - a command on an exec channel of its own: separate stdout and stderr, stdin closed,
 * SSH's own exit status or signal.
 *
 * Process: worker.
 * Memory:  isolated_free() frees; accepts NULL.
 */
#include "worker/channel_env.h"
#include "worker/job.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>

struct isolated;

/* Takes the job, whose text is complete. */
struct isolated *isolated_new(ssh_session ssh, const struct channel_env *env, struct job **job,
                              int64_t now_ms);
void isolated_free(struct isolated *isolated);

/* Reads at most budget bytes and tells them. False: it is over, its end was told. */
bool isolated_turn(struct isolated *isolated, size_t budget, int64_t now_ms);

/* ---- the probe, see shell.h; only for an elevated command at its sudo's prompt ---- */

bool isolated_wants_probe(const struct isolated *isolated, int64_t now_ms, const char **out_nonce);
void isolated_on_asked(struct isolated *isolated);
void isolated_on_facts(struct isolated *isolated, const struct facts *facts, int64_t now_ms);

/* Nobody can be asked: then the prompt alone has to do, on a channel that is ours alone. */
void isolated_on_no_probe(struct isolated *isolated);

int64_t isolated_deadline_ms(const struct isolated *isolated);
uint64_t isolated_id(const struct isolated *isolated);

/* SIGINT; a second one TERM, any further KILL. What the server makes of it shows in the end. */
void isolated_interrupt(struct isolated *isolated);
