/*
 * One timer for all: it is set to the earliest moment at which any wait can be due, and to "next
 * turn" when a command has changed. A turn looks at the waits that were there when it began; what
 * a callback adds is looked at in the next.
 */
#include "session/command/waits.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/idmap.h"
#include "base/list.h"

#include <stdlib.h>
#include <uv.h>

struct wait {
        struct list_node node;
        wait_id id;
        command_id command;
        struct wait_spec spec;
        int64_t began_ms;
        int64_t ticked_ms;
        wait_done *done;
        void *arg;
};

struct waits {
        uv_timer_t timer;
        const struct commands *commands; /* not ours */
        struct list_node list;           /* oldest first */
        struct idmap ids;
        unsigned seeking; /* how many of them look for something in output */
        bool is_stopped;
};

static bool is_due_by_state(const struct wait_spec *spec, const struct wait_view *view,
                            enum wait_reason *out_reason)
{
        bool may_be_found = view->is_there && !view->is_found && view->is_behind;

        if (may_be_found)
                return false; /* it may have been printed before the end */
        if (!view->is_there)
                *out_reason = WAIT_GONE;
        else if (view->is_found)
                *out_reason = WAIT_FOUND;
        else if (command_state_is_final(view->state))
                *out_reason = WAIT_ENDED;
        else if (spec->until_stopped && view->stopping > WIRE_STOPPING_UNDER_WAY)
                *out_reason = WAIT_STOPPING;
        else if (!spec->until_stopped && view->state == COMMAND_AWAITING)
                *out_reason = WAIT_AWAITING;
        else
                return false;
        return true;
}

bool wait_is_due(const struct wait_spec *spec, const struct wait_view *view, int64_t now_ms,
                 enum wait_reason *out_reason, int64_t *out_next_ms)
{
        int64_t quiet_since = view->output_ms > view->began_ms ? view->output_ms : view->began_ms;
        int64_t next = spec->deadline_ms;

        if (is_due_by_state(spec, view, out_reason))
                return true;
        if (now_ms >= spec->deadline_ms) {
                *out_reason = WAIT_DEADLINE;
                return true;
        }
        if (spec->quiet_ms > 0) {
                if (now_ms - quiet_since >= spec->quiet_ms) {
                        *out_reason = WAIT_QUIET;
                        return true;
                }
                if (quiet_since + spec->quiet_ms < next)
                        next = quiet_since + spec->quiet_ms;
        }
        if (spec->tick_ms > 0) {
                if (now_ms - view->ticked_ms >= spec->tick_ms) {
                        *out_reason = WAIT_TICK;
                        return true;
                }
                if (view->ticked_ms + spec->tick_ms < next)
                        next = view->ticked_ms + spec->tick_ms;
        }
        *out_next_ms = view->is_behind ? now_ms : next;
        return false;
}

static void on_timer(uv_timer_t *timer);

void waits_poke(struct waits *waits)
{
        if (!list_is_empty(&waits->list) && !uv_is_closing((uv_handle_t *)&waits->timer))
                (void)uv_timer_start(&waits->timer, on_timer, 0,
                                     0); /* has a callback: cannot fail */
}

void waits_poke_printed(struct waits *waits)
{
        if (waits->seeking > 0)
                waits_poke(waits);
}

struct waits *waits_new(uv_loop_t *loop, const struct commands *commands)
{
        struct waits *waits = xcalloc(1, sizeof *waits);

        list_init(&waits->list);
        idmap_init(&waits->ids);
        waits->commands = commands;
        (void)uv_timer_init(loop, &waits->timer); /* cannot fail */
        waits->timer.data = waits;
        return waits;
}

static void forget(struct waits *waits, struct wait *wait)
{
        waits->seeking -= wait->spec.seek != NULL;
        idmap_remove(&waits->ids, wait->id.n);
        list_remove(&wait->node);
        free(wait);
}

void waits_free(struct waits *waits)
{
        if (waits == NULL)
                return;
        list_each(at, &waits->list) forget(waits, list_entry(at, struct wait, node));
        idmap_fini(&waits->ids);
        free(waits);
}

wait_id waits_add(struct waits *waits, command_id command, const struct wait_spec *spec,
                  wait_done *done, void *arg)
{
        struct wait *wait = xcalloc(1, sizeof *wait);

        list_init(&wait->node);
        wait->command = command;
        wait->spec = *spec;
        waits->seeking += spec->seek != NULL;
        wait->began_ms = clock_now_ms();
        wait->ticked_ms = wait->began_ms;
        wait->done = done;
        wait->arg = arg;
        wait->id.n = idmap_add(&waits->ids, wait);
        list_append(&waits->list, &wait->node);
        waits_poke(waits);
        return wait->id;
}

void waits_cancel(struct waits *waits, wait_id id)
{
        struct wait *wait = idmap_find(&waits->ids, id.n);

        if (wait != NULL)
                forget(waits, wait);
}

static bool look(const struct waits *waits, const struct wait *wait, enum wait_reason *out_reason,
                 int64_t *out_next_ms)
{
        const struct command *command = commands_find(waits->commands, wait->command);
        struct wait_view view = { .is_there = command != NULL && !waits->is_stopped,
                                  .began_ms = wait->began_ms,
                                  .ticked_ms = wait->ticked_ms };

        if (command != NULL) {
                view.state = command->state;
                view.stopping = command->stopping;
                view.output_ms = command->output_ms;
        }
        if (view.is_there && wait->spec.seek != NULL) {
                enum seek_result sought =
                        seek_look(wait->spec.seek, command->out, command->redactor);
                view.is_found = sought == SEEK_FOUND;
                view.is_behind = sought == SEEK_BEHIND;
        }
        return wait_is_due(&wait->spec, &view, clock_now_ms(), out_reason, out_next_ms);
}

/* Tells one wait that is due, of those up to last; false: none of them is, *next_ms is when. */
static bool tell_one(struct waits *waits, uint64_t last, int64_t *next_ms)
{
        enum wait_reason reason;
        int64_t next;

        *next_ms = INT64_MAX;
        list_each(at, &waits->list)
        {
                struct wait *wait = list_entry(at, struct wait, node);
                if (!look(waits, wait, &reason, &next)) {
                        *next_ms = next < *next_ms ? next : *next_ms;
                        continue;
                }
                if (wait->id.n > last) {
                        *next_ms = 0;
                        continue;
                }
                struct wait copy = *wait;
                if (reason == WAIT_TICK)
                        wait->ticked_ms = clock_now_ms();
                else
                        forget(waits, wait);
                copy.done(copy.arg, copy.id, copy.command, reason);
                return true;
        }
        return false;
}

static void on_timer(uv_timer_t *timer)
{
        struct waits *waits = timer->data;
        uint64_t last = waits->ids.last_id;
        int64_t next_ms;

        while (tell_one(waits, last, &next_ms))
                continue;
        if (waits->is_stopped && list_is_empty(&waits->list)) {
                if (!uv_is_closing((uv_handle_t *)timer))
                        uv_close((uv_handle_t *)timer, NULL);
                return;
        }
        if (next_ms == INT64_MAX)
                return;
        int64_t in_ms = next_ms - clock_now_ms();
        (void)uv_timer_start(timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0); /* cannot fail */
}

void waits_stop(struct waits *waits)
{
        waits->is_stopped = true;
        if (!uv_is_closing((uv_handle_t *)&waits->timer))
                (void)uv_timer_start(&waits->timer, on_timer, 0, 0); /* cannot fail */
}
