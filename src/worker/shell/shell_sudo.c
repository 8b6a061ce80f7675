/*
 * An elevated command in a shell: its sudo's prompt is taken out of the output, and the password is
 * typed when the kernel has proved that this sudo waits for it.
 *
 * The answer of the kernel that counts is to a question asked after the prompt was printed, with
 * nothing printed since. Whatever a person or an agent types, or an interrupt, ends our part.
 */
#include "base/log.h"
#include "worker/shell/shell_state.h"

static struct sudo *sudo_of(const struct entry *entry)
{
        return entry != NULL ? entry->job->sudo : NULL;
}

/* No proof can be had, yet a prompt that looks like ours stands there: a person is to know. */
static void tell_helpless(struct job *job, int64_t now_ms)
{
        job_tell_partial(job, now_ms, true);
        job_tell_awaiting(job, WIRE_AWAITING_PASSWORD, sudo_question(job->sudo));
}

struct str shell_without_prompt(struct shell *shell, struct str bytes, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);
        struct sudo *sudo = sudo_of(top);

        if (sudo == NULL || shell->phase != SHELL_RUNNING || top->is_muted || top->end_asked)
                return bytes;
        struct str rest = sudo_feed(sudo, bytes);
        if (!sudo->at_prompt)
                return rest;
        if (shell->has_probe) {
                shell_ask_soon(shell, 0, now_ms);
        } else if (sudo->step == SUDO_BEGINS) {
                sudo_give_up(sudo, "this host's kernel cannot be asked who reads the terminal");
                tell_helpless(top->job, now_ms);
        }
        return rest;
}

void shell_release_prompt(struct shell *shell)
{
        struct entry *top = shell_top_entry(shell);
        struct sudo *sudo = sudo_of(top);

        if (sudo == NULL || top->is_muted || top->end_asked || sudo->held_len == 0)
                return;
        struct str rest = sudo_release(sudo);
        job_print(top->job, JOB_STDOUT, rest.ptr, rest.len);
}

static void type_password(struct shell *shell, struct sudo *sudo, int64_t now_ms)
{
        log_debug("shell %llu: sudo's own prompt is proved, the password is typed",
                  (unsigned long long)shell->config.id);
        if (!session_channel_write_secret(shell->channel, sudo->password))
                log_warn("a shell's terminal takes no more input: no password was typed");
        sudo_set_typed(sudo);
        shell_ask_soon(shell, QUIET_FIRST_MS, now_ms);
}

/* The prompt stands, and it is sudo's. */
static void on_proof(struct shell *shell, struct entry *top, int64_t now_ms)
{
        struct sudo *sudo = top->job->sudo;

        switch (sudo->step) {
        case SUDO_TYPED: /* it asks again; a second try might lock the account */
                sudo_set_refused(sudo);
                if (!wire_write_bare(shell->config.frames, WIRE_SUDO_REFUSED, top->job->id))
                        bug("no room for a frame to the supervisor");
                shell_interrupt_now(shell, now_ms);
                return;
        case SUDO_BEGINS:
                if (sudo->password != NULL)
                        type_password(shell, sudo, now_ms);
                else
                        sudo_give_up(sudo, NULL);
                return;
        case SUDO_HELPLESS:
        case SUDO_REFUSED:
        case SUDO_RUNS: return;
        }
        bug("sudo step %d", (int)sudo->step);
}

/* Behind its own terminal (use_pty) sudo itself is in raw mode: that tells nothing of the command. */
static void correct_relay(const struct sudo *sudo, struct verdict *verdict)
{
        bool is_relay = verdict->kind == VERDICT_PROGRAM && verdict->process != NULL
                     && verdict->process->has_parents && verdict->process->has_children;

        if (is_relay && !sudo->is_full_screen)
                *verdict = (struct verdict){ .kind = VERDICT_RUNNING };
}

bool shell_judge_sudo(struct shell *shell, const struct facts *facts, long long shell_pid,
                      struct verdict *verdict, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);
        struct sudo *sudo = sudo_of(top);

        if (sudo == NULL || shell->phase != SHELL_RUNNING)
                return false;
        correct_relay(sudo, verdict);
        if (!sudo->at_prompt || top->interrupt_wanted || top->interrupted_ms != 0)
                return false;
        bool is_settled = sudo->step != SUDO_BEGINS && sudo->step != SUDO_TYPED;
        if (!is_settled && shell->output_since_ask) {
                shell_ask_soon(shell, 0, now_ms); /* it was asked before the prompt came */
                return true;
        }
        const char *doubt = sudo_doubt(sudo, facts, shell_pid);
        if (doubt == NULL)
                on_proof(shell, top, now_ms);
        else if (!is_settled && ++sudo->tries < SUDO_TRIES_MAX)
                shell_ask_soon(shell, SUDO_RETRY_MS, now_ms);
        else if (!is_settled)
                sudo_give_up(sudo, doubt);
        if (sudo->step != SUDO_HELPLESS)
                return true;
        if (doubt == NULL || verdict->kind == VERDICT_RUNNING)
                *verdict = (struct verdict){ .kind = VERDICT_PASSWORD }; /* pwfeedback; not to be seen */
        return false;
}

void shell_take_password(struct shell *shell, uint64_t job_id, struct str password, int64_t now_ms)
{
        for (unsigned i = 0; i < shell->depth; i++) {
                struct job *job = shell->entries[i].job;
                if (job->id != job_id || job->sudo == NULL)
                        continue;
                if (sudo_take_password(job->sudo, password) && i == shell->depth - 1
                    && job->sudo->at_prompt)
                        shell_ask_soon(shell, 0, now_ms);
                return;
        }
}
