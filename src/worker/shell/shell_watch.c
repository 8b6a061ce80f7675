/*
 * When the kernel is asked about the terminal, and what its answer means for the command that
 * runs. An answer alone never ends a command: it takes two of the same, with no output between.
 */
#include "base/log.h"
#include "worker/shell/shell_state.h"

#include <stdio.h>
#include <string.h>

/* ---- when to ask ---- */

int64_t shell_ask_due_ms(const struct shell *shell)
{
        bool has_reason = shell->phase == SHELL_STARTING || shell->phase == SHELL_TYPED
                       || shell->phase == SHELL_RUNNING;

        if (!shell->has_probe || shell->is_asking || !has_reason
            || session_channel_state(shell->channel) != SESSION_CHANNEL_OPEN)
                return INT64_MAX;
        if (shell->depth > 0 && shell->entries[shell->depth - 1].end_asked)
                return INT64_MAX;
        int64_t quiet_ms = shell->phase == SHELL_STARTING ? 0
                         : shell->pause_ms < QUIET_FIRST_MS ? shell->pause_ms
                                                            : QUIET_FIRST_MS;
        int64_t after_quiet_ms = shell->last_output_ms + quiet_ms;
        return after_quiet_ms > shell->ask_after_ms ? after_quiet_ms : shell->ask_after_ms;
}

bool shell_wants_probe(const struct shell *shell, int64_t now_ms, long long *out_pid)
{
        *out_pid = shell->levels[0].pid;
        return now_ms >= shell_ask_due_ms(shell);
}

void shell_on_asked(struct shell *shell)
{
        shell->is_asking = true;
        shell->asked_phase = shell->phase_count;
        shell->output_since_ask = false;
}

static void back_off(struct shell *shell, int64_t now_ms)
{
        int64_t twice_ms = shell->pause_ms < STARTING_ASK_MS ? STARTING_ASK_MS : shell->pause_ms * 2;

        shell->pause_ms = twice_ms < QUIET_MAX_MS ? twice_ms : QUIET_MAX_MS;
        if (shell->phase == SHELL_STARTING && shell->pause_ms > QUIET_FIRST_MS)
                shell->pause_ms = QUIET_FIRST_MS;
        shell->ask_after_ms = now_ms + shell->pause_ms;
}

/* ---- what the answer means ---- */

static struct level *level_of_top(struct shell *shell)
{
        return &shell->levels[shell->depth > 0 ? shell->depth - 1 : 0];
}

static enum wire_awaiting awaiting_of(enum verdict_kind kind)
{
        switch (kind) {
        case VERDICT_RUNNING:
        case VERDICT_PROMPT:
        case VERDICT_REPLACED:     return WIRE_AWAITING_NOTHING;
        case VERDICT_PASSWORD:     return WIRE_AWAITING_PASSWORD;
        case VERDICT_LINE:         return WIRE_AWAITING_LINE;
        case VERDICT_PROGRAM:      return WIRE_AWAITING_PROGRAM;
        case VERDICT_NESTED_SHELL: return WIRE_AWAITING_SHELL;
        }
        bug("verdict %d", (int)kind);
}

static void tell_awaiting(struct shell *shell, struct job *job, const struct verdict *verdict,
                          int64_t now_ms)
{
        enum wire_awaiting awaiting = awaiting_of(verdict->kind);
        bool has_question = awaiting == WIRE_AWAITING_LINE || awaiting == WIRE_AWAITING_PASSWORD;
        struct str question = { 0 };

        if (awaiting == WIRE_AWAITING_PASSWORD && job->sudo != NULL && job->sudo->at_prompt)
                question = sudo_question(job->sudo);
        if (has_question && question.len == 0)
                question = clean_partial(shell->phase == SHELL_STARTING ? &shell->noise : &job->out);
        else if (verdict->process != NULL)
                question = str_of(verdict->process->name);
        if (question.len > JOB_PARTIAL_MAX) {
                question.ptr += question.len - JOB_PARTIAL_MAX;
                question.len = JOB_PARTIAL_MAX;
        }
        if (awaiting != WIRE_AWAITING_NOTHING)
                shell_release_prompt(shell);
        job_tell_partial(job, now_ms, true);
        job_tell_awaiting(job, awaiting, question);
}

static void on_facts_starting(struct shell *shell, const struct facts *facts,
                              const struct verdict *verdict, int64_t now_ms)
{
        if (verdict->kind == VERDICT_PROMPT) {
                shell_on_ready(shell, facts, verdict->process, now_ms);
                return;
        }
        /* a shell that starts passes through many states; a question is what stays */
        bool may_ask = verdict->kind != VERDICT_RUNNING && !shell->output_since_ask;
        shell->confirmations = may_ask ? shell->confirmations + 1 : 0;
        bool asks = shell->confirmations > 2 && shell->pause_ms >= QUIET_FIRST_MS;
        if (shell->waiting != NULL && (asks || verdict->kind == VERDICT_RUNNING))
                tell_awaiting(shell, shell->waiting, verdict, now_ms);
        back_off(shell, now_ms);
}

/* Our line was typed, yet the shell still sits at its prompt. */
static void on_facts_typed(struct shell *shell, const struct verdict *verdict, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);

        back_off(shell, now_ms);
        if (verdict->kind != VERDICT_PROMPT) {
                shell->confirmations = 0;
                return;
        }
        if (!shell->lf_tried) {
                shell->lf_tried = true; /* after `stty raw` CR is no line end for a plain read */
                shell_type(shell, "\n", 1);
                shell_ask_soon(shell, QUIET_FIRST_MS, now_ms);
                return;
        }
        if (++shell->confirmations < 2)
                return;
        struct wire_end end = {
                .how = top->interrupted_ms != 0 ? WIRE_HOW_INTERRUPTED : WIRE_HOW_REFUSED,
                .status = -1,
                .text = str_of(top->interrupted_ms != 0 ? "it had not started"
                                                        : "the shell did not take the command"),
        };
        shell_end_entry(shell, shell->depth - 1, end, now_ms);
}

/* The shell dropped the rest of our line: it alone knows the status, so it is asked for it. */
void shell_ask_for_status(struct shell *shell, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);
        struct wrapper wrapper = { .driver = level_of_top(shell)->driver };
        struct buf line;

        memcpy(wrapper.end_nonce, top->end_nonce, sizeof wrapper.end_nonce);
        top->end_asked = true;
        clean_drop_partial(&top->job->out); /* the prompt that followed it */
        buf_init(&line, 4096);
        if (wrapper_write_end_only(&line, &wrapper))
                shell_type(shell, line.data, line.len);
        buf_fini(&line);
        shell_set_phase(shell, SHELL_RUNNING, now_ms);
}

static void on_replaced(struct shell *shell, const struct facts *facts,
                        const struct facts_process *process, int64_t now_ms)
{
        unsigned index = shell->depth - 1;
        struct level *level = &shell->levels[index];
        struct wire_end end = {
                .how = WIRE_HOW_UNKNOWN,
                .status = -1,
                .text = str_of("the shell was replaced by exec; the new one is at its prompt"),
        };

        level->driver = driver_find_at_prompt(str_of(process->name), facts->canonical);
        level->stack = process->stack;
        level->is_fresh = true;
        shell_tell_level(shell, index, str_of(process->name), level->driver->limits, false);
        clean_drop_partial(&shell_top_entry(shell)->job->out); /* the new shell's prompt */
        shell_end_entry(shell, index, end, now_ms);
        shell->levels[index].last_status = -1;
}

static void on_facts_running(struct shell *shell, const struct facts *facts,
                             struct verdict verdict, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);
        bool at_prompt = verdict.kind == VERDICT_PROMPT;
        bool is_new_shell = verdict.kind == VERDICT_REPLACED
                         && driver_find(str_of(verdict.process->name)) != NULL;

        if (verdict.kind == VERDICT_PROGRAM && facts_is_relay(verdict.process)
            && now_ms - shell->last_output_ms < RELAY_QUIET_MS)
                verdict.kind = VERDICT_RUNNING;
        if (verdict.kind == VERDICT_REPLACED && !is_new_shell)
                verdict.kind = VERDICT_PROGRAM;
        if (verdict.kind == VERDICT_NESTED_SHELL && !shell_can_run_in(shell, verdict.process))
                verdict.kind = VERDICT_PROGRAM;
        if (top->was_answered && verdict.kind != VERDICT_RUNNING && !at_prompt && !is_new_shell) {
                /* perhaps from before the input, or the program has not woken up to take it */
                top->was_answered = false;
                shell_ask_soon(shell, QUIET_FIRST_MS, now_ms);
                return;
        }
        if (!at_prompt && !is_new_shell) {
                shell->confirmations = 0;
                back_off(shell, now_ms);
                shell_give_held(shell);
                tell_awaiting(shell, top->job, &verdict, now_ms);
                if (verdict.kind == VERDICT_NESTED_SHELL)
                        shell_open_level(shell, facts, verdict.process, now_ms);
                return;
        }
        if (shell->output_since_ask)
                shell->confirmations = 0;
        if (++shell->confirmations < 2)
                shell->ask_after_ms = now_ms + CONFIRM_MS;
        else if (at_prompt)
                shell_ask_for_status(shell, now_ms);
        else
                on_replaced(shell, facts, verdict.process, now_ms);
}

static const struct driver *driver_in(const struct facts *facts, long long pid)
{
        for (size_t i = 0; i < facts->process_count; i++)
                if (facts->processes[i].pid == pid)
                        return driver_find(str_of(facts->processes[i].name));
        return NULL;
}

void shell_on_child(struct shell *shell, long long pid, int64_t now_ms)
{
        shell->is_asking = false;
        shell->levels[0].pid = pid;
        if (pid == 0)
                back_off(shell, now_ms);
        else
                shell_ask_soon(shell, 0, now_ms); /* is it at its prompt? */
}

void shell_on_facts(struct shell *shell, const struct facts *facts, int64_t now_ms)
{
        if (shell->asked_phase != shell->phase_count) {
                shell->is_asking = false; /* it tells of an earlier command, not of this one */
                return;
        }
        const struct level *level = level_of_top(shell);
        const struct entry *top = shell_top_entry(shell);
        struct verdict_question question = {
                .driver = level->driver != NULL ? level->driver : driver_in(facts, level->pid),
                .shell_pid = level->pid,
                .shell_stack = level->stack,
                .runs_command = shell->phase == SHELL_RUNNING,
                .interrupted = top != NULL && (top->interrupted_ms != 0 || top->ctrl_c_typed),
                .wants_line = top != NULL && top->wants_line,
                .line_editor_on = shell->paste_on,
                .is_remote = level->is_remote,
        };

        shell->is_asking = false;
        if (!facts->found && shell->phase == SHELL_STARTING)
                shell->levels[0].pid = 0; /* it was another process of sshd's: look again */
        struct verdict verdict = facts_judge(facts, &question);
        if (shell_answer_terminal(shell, facts, &verdict, now_ms))
                verdict = (struct verdict){ .kind = VERDICT_RUNNING };
        if (shell_judge_sudo(shell, facts, level->is_remote ? 0 : level->pid, &verdict, now_ms))
                return;
        log_trace("shell %llu: verdict %d in phase %d; in front: %zu, first %s (state %c%s%s); %s",
                  (unsigned long long)shell->config.id, (int)verdict.kind, (int)shell->phase,
                  facts->process_count, facts->process_count > 0 ? facts->processes[0].name : "-",
                  facts->process_count > 0 ? facts->processes[0].state : '-',
                  facts->processes[0].reads_terminal ? ", reads" : "",
                  facts->processes[0].polls ? ", polls" : "",
                  facts->canonical ? "line mode" : "raw mode");
        switch (shell->phase) {
        case SHELL_STARTING: on_facts_starting(shell, facts, &verdict, now_ms); break;
        case SHELL_TYPED:    on_facts_typed(shell, &verdict, now_ms); break;
        case SHELL_RUNNING:  on_facts_running(shell, facts, verdict, now_ms); break;
        case SHELL_ASKING:
        case SHELL_FOREIGN:
        case SHELL_IDLE:
        case SHELL_SETTLING:
        case SHELL_OVER:     break; /* the answer came too late to matter */
        }
}

void shell_on_no_probe(struct shell *shell, bool is_no_login, int64_t now_ms)
{
        const struct ladder_answer none = { .kind = LADDER_NO_ANSWER };

        shell->has_probe = false;
        shell->is_no_login = is_no_login;
        shell->is_asking = false;
        if (shell->signalled_job != 0)
                shell_on_signalled(shell, &none, now_ms);
        if (shell->phase == SHELL_STARTING)
                shell_set_phase(shell, SHELL_STARTING, now_ms);
}
