/*
 * One probe answers for all shells, one question at a time; and shells are started one at a time,
 * so that each is found among the children of the host's sshd.
 */
#include "worker/worker_private.h"

/* A shell that was closed may live on (it ignores SIGHUP) and is none of the new ones. */
static bool is_known_child(const struct worker *worker, const struct process *child)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_pid(worker->shells[i]) == child->pid)
                        return true;
        for (size_t i = 0; i < FORMER_MAX; i++)
                if (worker->former[i].pid == child->pid && worker->former[i].stack == child->stack)
                        return true;
        return false;
}

/* One of our sshd's children with a terminal that no shell has yet; 0 none. */
static long long find_new_child(const struct worker *worker, struct str lines)
{
        long long found = 0;
        struct str line;

        while (str_line(&lines, &line)) {
                struct process child = { .stack = 0 };
                if (!str_is(str_word(&line), "c") || !str_number(str_word(&line), &child.pid))
                        continue;
                (void)str_number(str_word(&line), &child.stack); /* no number: not known */
                if (str_starts(str_trim(line), "sshd"))
                        continue; /* has not become the shell yet */
                if (!is_known_child(worker, &child))
                        found = child.pid;
        }
        return found;
}

static struct isolated *find_isolated(struct worker *worker, uint64_t id)
{
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] != NULL && isolated_id(worker->isolated[i]) == id)
                        return worker->isolated[i];
        return NULL;
}

static void take_answer(struct worker *worker, const struct probe_answer *answer, int64_t now_ms)
{
        if (answer->is_piped) {
                struct isolated *isolated = find_isolated(worker, answer->owner);
                if (isolated != NULL)
                        isolated_on_facts(isolated, &answer->facts, now_ms);
                return;
        }
        struct shell *shell = worker_find_shell(worker, answer->owner);

        if (shell == NULL)
                return;
        if (answer->is_list)
                shell_on_child(shell, find_new_child(worker, answer->lines), now_ms);
        else
                shell_on_facts(shell, &answer->facts, now_ms);
}

static void ask_probe(struct worker *worker, int64_t now_ms)
{
        long long pid;

        for (size_t i = 0; i < SHELLS_MAX && probe_state(worker->probe) == PROBE_IDLE; i++) {
                struct shell *shell = worker->shells[i];
                if (shell == NULL || !shell_wants_probe(shell, now_ms, &pid))
                        continue;
                shell_on_asked(shell);
                probe_ask(worker->probe, shell_id(shell), pid, now_ms);
        }
        for (size_t i = 0; i < ISOLATED_MAX && probe_state(worker->probe) == PROBE_IDLE; i++) {
                struct isolated *isolated = worker->isolated[i];
                const char *nonce;
                if (isolated == NULL || !isolated_wants_probe(isolated, now_ms, &nonce))
                        continue;
                isolated_on_asked(isolated);
                probe_ask_piped(worker->probe, isolated_id(isolated), nonce, now_ms);
        }
}

void worker_turn_probe(struct worker *worker, int64_t now_ms)
{
        struct probe_answer answer;

        if (worker->probe == NULL)
                return;
        probe_turn(worker->probe, now_ms);
        if (probe_take_answer(worker->probe, &answer))
                take_answer(worker, &answer, now_ms);
        ask_probe(worker, now_ms);
        if (probe_state(worker->probe) != PROBE_UNAVAILABLE)
                return;
        probe_free(worker->probe);
        worker->probe = NULL;
        worker->probe_failed = true;
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL)
                        shell_on_no_probe(worker->shells[i], now_ms);
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] != NULL)
                        isolated_on_no_probe(worker->isolated[i]);
}

void worker_begin_probe(struct worker *worker, int64_t now_ms)
{
        if (worker->probe == NULL && !worker->probe_failed)
                worker->probe = probe_new(worker->ssh, now_ms);
}

void worker_drop_shell(struct worker *worker, size_t at)
{
        const struct shell *shell = worker->shells[at];

        if (shell_pid(shell) != 0)
                worker->former[worker->former_count++ % FORMER_MAX] =
                        (struct process){ shell_pid(shell), shell_stack(shell) };
        shell_free(worker->shells[at]);
        worker->shells[at] = NULL;
}

void worker_start_next_shell(struct worker *worker, int64_t now_ms)
{
        struct shell *next = NULL;

        for (size_t i = 0; i < SHELLS_MAX; i++) {
                struct shell *at = worker->shells[i];
                if (at == NULL)
                        continue;
                if (shell_is_being_found(at, now_ms))
                        return;
                if (shell_is_held(at) && (next == NULL || shell_id(at) < shell_id(next)))
                        next = at;
        }
        if (next == NULL)
                return;
        shell_start(next, now_ms);
        worker_begin_probe(worker, now_ms); /* the shell is asked for first */
}
