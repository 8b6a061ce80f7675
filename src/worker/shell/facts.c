/*
 * Lines of the script:
 *      m <icanon 0|1> <echo 0|1> <icrnl 0|1>
 *      f <pid> <state> <wait> <stack> <name…>      wait: r reads a terminal, p polls,
 *      a <pid> <argv…>                             b reads a single byte of one,
 *      u <pid> <euid> <parent> <0|1>               k 1,024 bytes of one,
 *                                                  o something else, ? not to be seen;
 *                                                  u is about sudo; 1: it has children
 *      s <pid>                                     the session's shell exists
 */
#include "worker/shell/facts.h"

#include <string.h>

static const char *const relays[] = { /* programs that show another machine's or root's shell */
        "ssh", "docker", "podman", "kubectl", "oc", "lxc", "incus", "nsenter", "machinectl",
        "sudo", "su", "doas", "chroot", "virsh", "mosh-client", "sshpass",
};

static void copy(char *out, size_t size, struct str str)
{
        size_t len = str.len < size - 1 ? str.len : size - 1;

        memcpy(out, str.ptr, len);
        out[len] = 0;
}

static void take_modes(struct facts *facts, struct str rest)
{
        facts->canonical = str_is(str_word(&rest), "1");
        facts->echo = str_is(str_word(&rest), "1");
        facts->cr_to_nl = str_is(str_word(&rest), "1");
        facts->modes_known = true;
}

static void take_process(struct facts *facts, struct str rest)
{
        struct facts_process process = { 0 };

        if (facts->process_count == FACTS_PROCESSES_MAX || !str_number(str_word(&rest), &process.pid))
                return;
        struct str state = str_word(&rest);
        struct str wait = str_word(&rest);
        if (!str_number(str_word(&rest), &process.stack))
                process.stack = 0;
        process.state = state.len == 1 ? state.ptr[0] : '?';
        process.waits_known = !str_is(wait, "?");
        process.reads_byte = str_is(wait, "b");
        process.reads_block = str_is(wait, "k");
        process.reads_terminal = str_is(wait, "r") || process.reads_byte || process.reads_block;
        process.polls = str_is(wait, "p");
        copy(process.name, sizeof process.name, str_trim(rest));
        facts->processes[facts->process_count++] = process;
}

static void take_args(struct facts *facts, struct str rest)
{
        long long pid;

        if (!str_number(str_word(&rest), &pid))
                return;
        for (size_t i = 0; i < facts->process_count; i++)
                if (facts->processes[i].pid == pid)
                        copy(facts->processes[i].args, FACTS_ARGS_MAX, str_trim(rest));
}

static void take_parents(struct facts *facts, struct str rest)
{
        long long pid, euid, parent, children;

        if (!str_number(str_word(&rest), &pid))
                return;
        if (!str_number(str_word(&rest), &euid))
                euid = -1;
        if (!str_number(str_word(&rest), &parent) || !str_number(str_word(&rest), &children))
                return;
        for (size_t i = 0; i < facts->process_count; i++)
                if (facts->processes[i].pid == pid) {
                        facts->processes[i].has_parents = true;
                        facts->processes[i].euid = euid;
                        facts->processes[i].parent = parent;
                        facts->processes[i].has_children = children != 0;
                }
}

void facts_take_line(struct facts *facts, struct str line)
{
        struct str kind = str_word(&line);

        if (str_is(kind, "s"))
                facts->found = str_number(str_word(&line), &facts->shell_pid);
        else if (str_is(kind, "m"))
                take_modes(facts, line);
        else if (str_is(kind, "f"))
                take_process(facts, line);
        else if (str_is(kind, "a"))
                take_args(facts, line);
        else if (str_is(kind, "u"))
                take_parents(facts, line);
}

/* ---- the verdict ---- */

static bool is_busybox(struct str argv0)
{
        const char *slash = str_find_last(argv0, '/');

        if (slash != NULL) {
                argv0.len -= (size_t)(slash + 1 - argv0.ptr);
                argv0.ptr = slash + 1;
        }
        return str_is(argv0, "busybox");
}

/* The next word is the option's own, no script. */
static bool takes_word(struct str option)
{
        static const char *const options[] = { "-o", "+o", "-O", "+O", "--rcfile", "--init-file" };

        for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
                if (str_is(option, options[i]))
                        return true;
        return false;
}

bool facts_is_interactive_shell(const struct facts_process *process)
{
        if (!driver_is_shell(str_of(process->name)))
                return false;

        struct str rest = str_of(process->args);
        if (is_busybox(str_word(&rest)))
                (void)str_word(&rest); /* the applet's name */
        for (struct str word = str_word(&rest); word.len > 0; word = str_word(&rest)) {
                if (word.ptr[0] != '-' && word.ptr[0] != '+')
                        return false;
                if (word.len > 1 && word.ptr[1] != '-' && memchr(word.ptr, 'c', word.len) != NULL)
                        return false;
                if (takes_word(word))
                        (void)str_word(&rest);
        }
        return true;
}

bool facts_is_relay(const struct facts_process *process)
{
        for (size_t i = 0; i < sizeof relays / sizeof relays[0]; i++)
                if (strcmp(process->name, relays[i]) == 0)
                        return true;
        return false;
}

static bool sleeps(const struct facts_process *process)
{
        return process->state == 'S' || process->state == 'I';
}

/* Sleeps and may well be reading the terminal; certain only if waits_known. */
static bool may_read(const struct facts_process *process)
{
        return sleeps(process)
            && (!process->waits_known || process->reads_terminal || process->polls);
}

static struct verdict is(enum verdict_kind kind, const struct facts_process *process)
{
        return (struct verdict){ kind, process };
}

static enum verdict_kind line_or_password(const struct facts *facts)
{
        return facts->echo ? VERDICT_LINE : VERDICT_PASSWORD;
}

/* The shell that has our line is in the foreground, alone, and sleeps in a read. */
static struct verdict judge_shell_itself(const struct facts *facts,
                                         const struct verdict_question *question,
                                         const struct facts_process *shell)
{
        bool replaced = question->shell_stack != 0 && shell->stack != 0
                     && shell->stack != question->shell_stack;
        bool editing = question->line_editor_on || (!facts->echo && !facts->cr_to_nl);

        if (replaced)
                return is(VERDICT_REPLACED, shell);
        if (!question->runs_command || question->interrupted) { /* what it does is not known */
                bool asks = facts->canonical && question->driver != NULL
                         && (question->driver->prompts_raw ? !shell->reads_block
                                                               : shell->reads_byte);
                return is(asks ? line_or_password(facts) : VERDICT_PROMPT, shell);
        }
        if (facts->canonical && question->driver != NULL && question->driver->drops_line
            && !shell->reads_byte && !question->wants_line)
                return is(VERDICT_PROMPT, shell);
        if (facts->canonical)
                return is(line_or_password(facts), shell); /* its own `read` */
        if (editing)
                return is(question->wants_line ? VERDICT_LINE : VERDICT_PROMPT, shell);
        return is(VERDICT_PROGRAM, shell); /* `read -n 1` and its kin */
}

static struct verdict judge_canonical(const struct facts *facts)
{
        for (size_t i = 0; i < facts->process_count; i++) {
                const struct facts_process *process = &facts->processes[i];
                if (!sleeps(process))
                        continue;
                if (process->waits_known && process->reads_terminal)
                        return is(facts_is_interactive_shell(process) ? VERDICT_NESTED_SHELL
                                                                : line_or_password(facts),
                                  process);
                if (!process->waits_known && !facts->echo)
                        return is(VERDICT_PASSWORD, process); /* sudo, su, passwd: root's */
        }
        return is(VERDICT_RUNNING, NULL);
}

/* A command of ours runs on the other side: nothing is to be seen but the line editor's hint. */
static struct verdict judge_behind_relay(const struct verdict_question *question,
                                         const struct facts_process *relay)
{
        if (!question->line_editor_on)
                return is(VERDICT_RUNNING, NULL);
        return is(question->interrupted ? VERDICT_PROMPT : VERDICT_NESTED_SHELL, relay);
}

static struct verdict judge_raw(const struct facts *facts, const struct verdict_question *question)
{
        const struct facts_process *program = NULL;

        for (size_t i = 0; i < facts->process_count; i++) {
                const struct facts_process *process = &facts->processes[i];
                if (!may_read(process))
                        continue;
                if (facts_is_relay(process) && question->is_remote)
                        return judge_behind_relay(question, process);
                if (facts_is_interactive_shell(process)
                    || (facts_is_relay(process) && question->line_editor_on))
                        return is(VERDICT_NESTED_SHELL, process);
                if (program == NULL)
                        program = process;
        }
        return program != NULL ? is(VERDICT_PROGRAM, program) : is(VERDICT_RUNNING, NULL);
}

/* What its rc files or its prompt have left in its group does not read the terminal. */
static bool edits_alone(const struct facts *facts, const struct facts_process *shell)
{
        if (facts->canonical || !shell->waits_known || !may_read(shell))
                return false;
        for (size_t i = 0; i < facts->process_count; i++) {
                const struct facts_process *process = &facts->processes[i];
                if (process->pid != shell->pid && may_read(process))
                        return false;
        }
        return true;
}

struct verdict facts_judge(const struct facts *facts, const struct verdict_question *question)
{
        if (!facts->found || !facts->modes_known || facts->process_count == 0)
                return is(VERDICT_RUNNING, NULL);
        for (size_t i = 0; i < facts->process_count; i++) {
                const struct facts_process *process = &facts->processes[i];
                if (process->pid != question->shell_pid)
                        continue;
                if (facts->process_count > 1 && !edits_alone(facts, process))
                        break; /* no job control: children share its group; they decide */
                /* what cannot be seen may as well be the shell's own `wait` */
                bool waits = facts->canonical ? process->reads_terminal || process->polls
                                              : may_read(process);
                return waits && sleeps(process) ? judge_shell_itself(facts, question, process)
                                                : is(VERDICT_RUNNING, NULL);
        }
        return facts->canonical ? judge_canonical(facts) : judge_raw(facts, question);
}
