#pragma once
/*
 * waits.h - who waits for which command, until when.
 *
 * Process: supervisor.
 * Memory:  a wait is gone when it has ended or was cancelled; callers hold a wait_id.
 */
#include "session/command/commands.h"
#include "session/engine.h"

struct waits;

struct waits *waits_new(uv_loop_t *loop, const struct commands *commands);

/* Ends all waits with WAIT_GONE, in a later turn, and closes the timer after that. */
void waits_stop(struct waits *waits);
void waits_free(struct waits *waits); /* after the loop has ended */

wait_id waits_add(struct waits *waits, command_id command, const struct wait_spec *spec,
                  wait_done *done, void *arg);
void waits_cancel(struct waits *waits, wait_id id);

/* Something has changed: look at all waits in the next turn. */
void waits_poke(struct waits *waits);
void waits_poke_printed(struct waits *waits); /* a command has printed: only for those that seek */

/* ---- the pure part ---- */

struct wait_view {
        bool is_there;  /* the command is still in the table */
        bool is_found;  /* what is looked for in its output is there */
        bool is_behind; /* not all of its output was looked at yet */
        enum command_state state;
        enum wire_stopping stopping;
        int64_t output_ms;
        int64_t began_ms;
        int64_t ticked_ms; /* last tick, or when the wait began */
};

/*
 * True: reason says what is due now. False: *out_next_ms is when to look again, INT64_MAX never.
 */
bool wait_is_due(const struct wait_spec *spec, const struct wait_view *view, int64_t now_ms,
                 enum wait_reason *out_reason, int64_t *out_next_ms);
