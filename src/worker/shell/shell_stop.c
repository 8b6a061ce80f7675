/*
 * Stopping commands: Ctrl-C when the shell can take it, then up the ladder (ladder.h).
 */
#include "base/log.h"
#include "worker/shell/shell_state.h"

static void type_interrupt(struct shell *shell, int64_t now_ms)
{
        shell_type(shell, "\x03", 1);
        shell_ask_soon(shell, INTERRUPT_ASK_MS, now_ms);
}

void shell_interrupt_now(struct shell *shell, int64_t now_ms)
{
        shell_top_entry(shell)->interrupted_ms = now_ms;
        type_interrupt(shell, now_ms);
}

static int64_t ctrl_c_due_ms(const struct shell *shell, const struct entry *entry)
{
        bool is_top = entry == &shell->entries[shell->depth - 1];

        if (!is_top) /* for a command outside: to what runs inside it, at once */
                return shell->phase_since_ms;
        return entry->started_ms != 0 ? entry->started_ms + FORK_MS
                                      : shell->phase_since_ms + START_MS;
}

static void type_when_due(struct shell *shell, struct entry *entry, int64_t now_ms)
{
        if (!entry->interrupt_wanted || now_ms < ctrl_c_due_ms(shell, entry))
                return;
        entry->interrupt_wanted = false;
        entry->interrupted_ms = now_ms;
        type_interrupt(shell, now_ms);
        ladder_begin(&entry->ladder, now_ms);
}

void shell_interrupt(struct shell *shell, uint64_t job_id, int64_t now_ms)
{
        if (shell->waiting != NULL && shell->waiting->id == job_id) {
                shell_interrupt_waiting(shell);
                return;
        }
        for (unsigned i = 0; i < shell->depth; i++) {
                struct entry *entry = &shell->entries[i];
                if (entry->job->id != job_id || entry->ladder.is_up)
                        continue; /* one that climbs already goes on as it does */
                entry->interrupt_wanted = true;
                type_when_due(shell, entry, now_ms);
        }
}

/* The shells that entry `index` runs in, which must live on. False: not all are to be seen. */
static bool list_spared(const struct shell *shell, unsigned index, struct signal_request *request)
{
        request->spared_count = 0;
        for (unsigned i = 0; i <= index; i++) {
                if (shell->levels[i].is_remote || shell->levels[i].pid == 0)
                        return false;
                if (request->spared_count < PROBE_SPARED_MAX)
                        request->spared[request->spared_count++] = shell->levels[i].pid;
        }
        return true;
}

static void give_up(struct entry *entry)
{
        const struct ladder_answer *last = &entry->ladder.last;

        job_tell_stopping(entry->job, entry->ladder.outcome, last->pid, str_of(last->name));
}

/* What is due on one command's ladder; true: *request is to be sent. */
static bool climb(struct shell *shell, unsigned index, struct signal_request *request,
                  int64_t now_ms)
{
        struct entry *entry = &shell->entries[index];
        bool can_signal = shell->has_probe && list_spared(shell, index, request);

        request->pid = shell->levels[0].pid;
        switch (ladder_due(&entry->ladder, can_signal, now_ms)) {
        case LADDER_WAIT: return false;
        case LADDER_TERM: request->signal = "TERM"; return true;
        case LADDER_KILL: request->signal = "KILL"; return true;
        case LADDER_LOOK: request->signal = "0"; return true;
        case LADDER_OVER: give_up(entry); return false;
        }
        bug("a ladder of rung %u", entry->ladder.rung);
}

void shell_turn_interrupts(struct shell *shell, int64_t now_ms)
{
        struct signal_request request;

        for (unsigned i = 0; i < shell->depth; i++) {
                type_when_due(shell, &shell->entries[i], now_ms);
                (void)climb(shell, i, &request, now_ms); /* a signal waits for the probe */
        }
}

bool shell_wants_signal(struct shell *shell, struct signal_request *out_request, int64_t now_ms)
{
        if (shell->signalled_job != 0)
                return false;
        for (unsigned i = 0; i < shell->depth; i++) {
                if (!climb(shell, i, out_request, now_ms))
                        continue;
                shell->signalled_job = shell->entries[i].job->id;
                shell->entries[i].interrupted_ms = now_ms;
                ladder_asked(&shell->entries[i].ladder);
                return true;
        }
        return false;
}

void shell_on_signalled(struct shell *shell, const struct ladder_answer *answer, int64_t now_ms)
{
        for (unsigned i = 0; i < shell->depth; i++)
                if (shell->entries[i].job->id == shell->signalled_job)
                        ladder_answered(&shell->entries[i].ladder, answer, now_ms);
        shell->signalled_job = 0;
        log_debug("shell %llu: signal: %d, process %lld %s", (unsigned long long)shell->config.id,
                  (int)answer->kind, answer->pid, answer->name);
        shell_ask_soon(shell, INTERRUPT_ASK_MS, now_ms);
}

int64_t shell_interrupt_due_ms(const struct shell *shell)
{
        bool is_busy = shell->is_asking || shell->signalled_job != 0; /* its answer wakes us */
        int64_t due = INT64_MAX;

        for (unsigned i = 0; i < shell->depth; i++) {
                const struct entry *entry = &shell->entries[i];
                int64_t at = entry->interrupt_wanted ? ctrl_c_due_ms(shell, entry)
                           : is_busy                 ? INT64_MAX
                                                     : ladder_due_ms(&entry->ladder);
                due = at < due ? at : due;
        }
        return due;
}
