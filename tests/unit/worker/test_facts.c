#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "worker/shell/facts.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SHELL_PID    100
#define SHELL_STACK  140000000000000
#define COOKED       "m 1 1 1\n"   /* icanon, echo, icrnl */
#define SILENT       "m 1 0 1\n"   /* stty -echo */
#define EDITOR       "m 0 0 0\n"   /* what readline and zle set */
#define RAW          "m 0 0 1\n"   /* `read -s -n 1` and many programs */
#define CBREAK       "m 0 1 1\n"   /* `read -n 1` */
#define BASH(wait)   "f 100 S " wait " 140000000000000 bash\na 100 -bash\n"

static struct facts facts_of(const char *answer)
{
        struct facts facts = { 0 };
        struct str rest = str_of(answer);
        struct str line;

        while (str_line(&rest, &line))
                facts_take_line(&facts, line);
        return facts;
}

/* ---- reading ---- */

static void every_line_is_understood(void **state)
{
        struct facts facts = facts_of("s 100\nm 1 0 1\nf 100 S r 140736000000000 bash\n"
                                      "f 200 R o 0 Web Content\na 100 -bash --norc\n");

        (void)state;
        assert_true(facts.found);
        assert_true(facts.modes_known && facts.canonical && !facts.echo && facts.cr_to_nl);
        assert_int_equal(facts.process_count, 2);
        const struct facts_process *bash = &facts.processes[0];
        assert_int_equal(bash->pid, 100);
        assert_int_equal(bash->stack, 140736000000000);
        assert_int_equal(bash->state, 'S');
        assert_true(bash->waits_known && bash->reads_terminal && !bash->polls);
        assert_string_equal(bash->name, "bash");
        assert_string_equal(bash->args, "-bash --norc");
        const struct facts_process *other = &facts.processes[1];
        assert_int_equal(other->state, 'R');
        assert_true(other->waits_known && !other->reads_terminal && !other->polls);
        assert_string_equal(other->name, "Web Content"); /* a name may have blanks */
        assert_string_equal(other->args, "");

        facts = facts_of("f 1 S p 5 a\nf 2 S ? 5 b\n");
        assert_true(facts.processes[0].waits_known && facts.processes[0].polls);
        assert_false(facts.processes[1].waits_known);
        assert_false(facts.found);
        assert_false(facts.modes_known);
}

static void what_is_not_understood_is_skipped(void **state)
{
        struct facts facts = facts_of("\n \nx\nsh: 1: stty: not found\nf\nf x S r 1 a\nf -1 S r 1 a\n"
                                      "a\na 7\na x y\nfoo 1 S r 1 a\nf 99999999999999999999 S r 1 a\n");

        (void)state;
        assert_int_equal(facts.process_count, 0);
        assert_false(facts.found);
        assert_false(facts.modes_known);

        facts = facts_of("m\nf 5\nf 6 SS rr x name\n");
        assert_true(facts.modes_known && !facts.canonical && !facts.echo);
        assert_int_equal(facts.process_count, 2);
        assert_int_equal(facts.processes[0].state, '?');
        assert_string_equal(facts.processes[0].name, "");
        assert_int_equal(facts.processes[1].state, '?');
        assert_int_equal(facts.processes[1].stack, 0);
        assert_false(facts.processes[1].reads_terminal);
}

static void too_much_is_cut(void **state)
{
        struct facts facts = { 0 };
        char line[400];

        (void)state;
        for (int pid = 1; pid <= FACTS_PROCESSES_MAX + 10; pid++) {
                (void)snprintf(line, sizeof line, "f %d S r 1 %0100d", pid, pid);
                facts_take_line(&facts, str_of(line));
        }
        assert_int_equal(facts.process_count, FACTS_PROCESSES_MAX);
        assert_int_equal(facts.processes[FACTS_PROCESSES_MAX - 1].pid, FACTS_PROCESSES_MAX);
        assert_int_equal(strlen(facts.processes[0].name), FACTS_NAME_MAX - 1);
        (void)snprintf(line, sizeof line, "a 1 %0300d", 0);
        facts_take_line(&facts, str_of(line));
        assert_int_equal(strlen(facts.processes[0].args), FACTS_ARGS_MAX - 1);
        facts_take_line(&facts, str_of("a 1 short"));
        assert_string_equal(facts.processes[0].args, "short");
}

/* ---- judging ---- */

struct row {
        const char *answer; /* without its "s 100" */
        enum verdict_kind kind;
        long long about;    /* a pid; 0 nobody */
};

static const struct verdict_question running_in_bash = {
        .shell_pid = SHELL_PID,
        .shell_stack = SHELL_STACK,
        .runs_command = true,
};

static void check(const struct verdict_question *given, const char *driver, const struct row *rows,
                  size_t count)
{
        struct verdict_question question = *given;

        question.driver = driver_find(str_of(driver));
        assert_non_null(question.driver);
        for (size_t i = 0; i < count; i++) {
                struct facts facts = facts_of(rows[i].answer);
                facts.found = true;
                struct verdict verdict = facts_judge(&facts, &question);
                long long about = verdict.process != NULL ? verdict.process->pid : 0;
                if (verdict.kind != rows[i].kind || about != rows[i].about)
                        fail_msg("row %zu: verdict %d about %lld, expected %d about %lld", i,
                                 (int)verdict.kind, about, (int)rows[i].kind, rows[i].about);
        }
}

static void without_facts_it_is_running(void **state)
{
        static const char *const answers[] = {
                "", "s 100\n", "s 100\n" COOKED, "s 100\n" BASH("r"), COOKED BASH("r"), EDITOR BASH("r"),
        };

        (void)state;
        for (size_t i = 0; i < COUNT(answers); i++) {
                struct facts facts = facts_of(answers[i]);
                struct verdict verdict = facts_judge(&facts, &running_in_bash);
                assert_int_equal(verdict.kind, VERDICT_RUNNING);
                assert_null(verdict.process);
        }
}

static void a_program_that_reads_a_line_awaits_one(void **state)
{
        static const struct row rows[] = {
                { COOKED "f 200 S r 1 cat\n", VERDICT_LINE, 200 },
                { SILENT "f 200 S r 1 passwd\n", VERDICT_PASSWORD, 200 },
                { COOKED "f 200 S o 1 make\nf 201 S r 1 rm\n", VERDICT_LINE, 201 }, /* rm -i */
                { COOKED "f 200 S o 1 sleep\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 R o 1 cc1\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 R r 1 cat\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 D r 1 cat\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 T r 1 cat\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 S p 1 curl\n", VERDICT_RUNNING, 0 }, /* polls a socket, who knows */
                { SILENT "f 200 S o 1 sleep\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 I r 1 cat\n", VERDICT_LINE, 200 },
        };

        (void)state;
        check(&running_in_bash, "bash", rows, COUNT(rows));
}

/* Their /proc/PID/syscall is not ours to read: only the terminal's silence tells. */
static void what_root_runs_cannot_be_seen(void **state)
{
        static const struct row rows[] = {
                { SILENT "f 200 S ? 0 sudo\n", VERDICT_PASSWORD, 200 },
                { SILENT "f 200 S ? 0 su\n", VERDICT_PASSWORD, 200 },
                { COOKED "f 200 S ? 0 apt-get\n", VERDICT_RUNNING, 0 },
                { SILENT "f 200 R ? 0 sudo\n", VERDICT_RUNNING, 0 },
                { RAW "f 200 S ? 0 vim\n", VERDICT_PROGRAM, 200 },
                { RAW "f 200 R ? 0 vim\n", VERDICT_RUNNING, 0 },
                { EDITOR "f 200 S ? 0 bash\na 200 -bash\n", VERDICT_NESTED_SHELL, 200 }, /* su - */
        };

        (void)state;
        check(&running_in_bash, "bash", rows, COUNT(rows));
}

static void a_program_that_reads_keys_is_told(void **state)
{
        static const struct row rows[] = {
                { RAW "f 200 S r 1 less\n", VERDICT_PROGRAM, 200 },
                { RAW "f 200 S p 1 vim\n", VERDICT_PROGRAM, 200 },
                { RAW "f 200 S o 1 vim\n", VERDICT_RUNNING, 0 },
                { RAW "f 200 R p 1 top\n", VERDICT_RUNNING, 0 },
                { CBREAK "f 200 S r 1 python3\n", VERDICT_PROGRAM, 200 },
                { RAW "f 200 S o 1 git\nf 201 S r 1 less\nf 202 S p 1 other\n", VERDICT_PROGRAM, 201 },
        };

        (void)state;
        check(&running_in_bash, "bash", rows, COUNT(rows));
}

static void a_shell_at_its_prompt_may_have_others_in_its_group(void **state)
{
        static const struct row rows[] = {
                { RAW "f 100 S p 1 fish\nf 200 R o 1 python3\n", VERDICT_PROMPT, 100 },
                { RAW "f 100 S p 1 fish\nf 200 S o 1 git\n", VERDICT_PROMPT, 100 },
                { RAW "f 100 S o 1 fish\nf 200 S r 1 less\n", VERDICT_PROGRAM, 200 },
                { COOKED "f 100 S p 1 fish\nf 200 S o 1 git\n", VERDICT_RUNNING, 0 },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        question.shell_stack = 0;
        question.runs_command = false;
        check(&question, "fish", rows, COUNT(rows));
}

/* csh drops the rest of our line at an error, and reads whole lines then; its $< reads single bytes. */
static void a_shell_that_drops_our_line_is_at_its_prompt(void **state)
{
        static const struct row in_csh[] = {
                { COOKED "f 100 S r 77 csh\n", VERDICT_PROMPT, 100 },
                { COOKED "f 100 S b 77 csh\n", VERDICT_LINE, 100 },
                { COOKED "f 100 S o 77 csh\n", VERDICT_RUNNING, 0 },
                { COOKED "f 200 S r 1 cat\n", VERDICT_LINE, 200 },
        };
        static const struct row in_dash[] = {
                { COOKED "f 100 S r 77 dash\n", VERDICT_LINE, 100 },
                { COOKED "f 100 S b 77 dash\n", VERDICT_LINE, 100 },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        question.shell_stack = 77;
        check(&question, "csh", in_csh, COUNT(in_csh));
        check(&question, "dash", in_dash, COUNT(in_dash));
        question.wants_line = true;
        check(&question, "csh", (struct row[]){ { COOKED "f 100 S r 77 csh\n", VERDICT_LINE, 100 } }, 1);
}

/* An rc file of a shell without a line editor asks something. */
static void a_starting_shell_that_reads_single_bytes_asks(void **state)
{
        static const struct row rows[] = {
                { COOKED "f 100 S b 1 dash\n", VERDICT_LINE, 100 },
                { SILENT "f 100 S b 1 dash\n", VERDICT_PASSWORD, 100 },
                { COOKED "f 100 S r 1 dash\n", VERDICT_PROMPT, 100 },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        question.shell_stack = 0;
        question.runs_command = false;
        check(&question, "dash", rows, COUNT(rows));
        /* bash without line editing, at its prompt and in a `read` */
        check(&question, "bash", (struct row[]){ { COOKED BASH("k"), VERDICT_PROMPT, 100 } }, 1);
        check(&question, "bash", (struct row[]){ { COOKED BASH("r"), VERDICT_LINE, 100 } }, 1);
}

static void another_shell_at_its_prompt_is_nested(void **state)
{
        static const struct row rows[] = {
                { EDITOR "f 200 S r 1 bash\na 200 bash\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S p 1 zsh\na 200 zsh -f\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S p 1 fish\na 200 fish\n", VERDICT_NESTED_SHELL, 200 },
                { COOKED "f 200 S r 1 dash\na 200 dash\n", VERDICT_NESTED_SHELL, 200 },
                { COOKED "f 200 S r 1 sh\na 200 sh -i\n", VERDICT_NESTED_SHELL, 200 },
                { COOKED "f 200 S r 1 sh\n", VERDICT_NESTED_SHELL, 200 }, /* its arguments are not known */
                { EDITOR "f 200 S r 1 busybox\na 200 busybox ash\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 busybox\na 200 /bin/busybox sh -l\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 busybox\na 200 /usr/bin/busybox sh\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 ash\na 200 -ash\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 bash\na 200 bash --norc --noprofile -i\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 bash\na 200 bash --rcfile /etc/rc -i\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 bash\na 200 bash --init-file /etc/rc\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S r 1 bash\na 200 bash -o vi +O extglob\n", VERDICT_NESTED_SHELL, 200 },
                { EDITOR "f 200 S o 1 script\nf 201 S r 1 zsh\na 201 -zsh\n", VERDICT_NESTED_SHELL, 201 },
                { EDITOR "f 200 R r 1 bash\na 200 bash\n", VERDICT_RUNNING, 0 },
                { EDITOR "f 200 S o 1 bash\na 200 bash\n", VERDICT_RUNNING, 0 },
        };

        (void)state;
        check(&running_in_bash, "bash", rows, COUNT(rows));
}

/* It has the name of a shell, but runs a text: what it reads is its own business. */
static void a_script_is_a_program(void **state)
{
        static const struct row rows[] = {
                { COOKED "f 200 S r 1 bash\na 200 bash -c read x\n", VERDICT_LINE, 200 },
                { COOKED "f 200 S r 1 bash\na 200 /bin/bash ./install.sh -y\n", VERDICT_LINE, 200 },
                { COOKED "f 200 S r 1 sh\na 200 sh -ec read x\n", VERDICT_LINE, 200 },
                { SILENT "f 200 S r 1 sh\na 200 sh -x ask.sh\n", VERDICT_PASSWORD, 200 },
                { CBREAK "f 200 S r 1 bash\na 200 bash menu.sh\n", VERDICT_PROGRAM, 200 },
                { COOKED "f 200 S r 1 busybox\na 200 busybox sh ask.sh\n", VERDICT_LINE, 200 },
                { COOKED "f 200 S r 1 bash\na 200 bash -o pipefail ask.sh\n", VERDICT_LINE, 200 },
                { COOKED "f 200 S r 1 bash\na 200 bash --rcfile rc -c read\n", VERDICT_LINE, 200 },
                { COOKED "f 200 S r 1 install.sh\n", VERDICT_LINE, 200 },
        };

        (void)state;
        check(&running_in_bash, "bash", rows, COUNT(rows));
}

static void the_shell_at_its_prompt_has_ended_our_line(void **state)
{
        static const struct row rows[] = {
                { EDITOR BASH("r"), VERDICT_PROMPT, SHELL_PID },
                { EDITOR BASH("p"), VERDICT_PROMPT, SHELL_PID },
                { EDITOR BASH("?"), VERDICT_PROMPT, SHELL_PID },
                { EDITOR BASH("o"), VERDICT_RUNNING, 0 },
                { COOKED BASH("o"), VERDICT_RUNNING, 0 },
                { COOKED BASH("?"), VERDICT_RUNNING, 0 },             /* may be its `wait` */
                { COOKED BASH("r"), VERDICT_LINE, SHELL_PID },        /* its own read */
                { SILENT BASH("r"), VERDICT_PASSWORD, SHELL_PID },    /* read -s */
                { CBREAK BASH("r"), VERDICT_PROGRAM, SHELL_PID },     /* read -n 1 */
                { RAW BASH("r"), VERDICT_PROGRAM, SHELL_PID },        /* read -s -n 1 */
                { EDITOR "f 100 R r 140000000000000 bash\n", VERDICT_RUNNING, 0 },
        };
        static const struct row reading[] = {
                { EDITOR BASH("r"), VERDICT_LINE, SHELL_PID }, /* read -e, or our line was dropped */
                { COOKED BASH("r"), VERDICT_LINE, SHELL_PID },
        };
        static const struct row hinted[] = {
                { RAW BASH("r"), VERDICT_PROMPT, SHELL_PID },
                { COOKED BASH("r"), VERDICT_LINE, SHELL_PID },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        check(&question, "bash", rows, COUNT(rows));
        question.wants_line = true;
        check(&question, "bash", reading, COUNT(reading));
        question.wants_line = false;
        question.line_editor_on = true;
        check(&question, "bash", hinted, COUNT(hinted));
}

static void after_ctrl_c_the_shell_that_reads_is_at_its_prompt(void **state)
{
        static const struct row rows[] = {
                { EDITOR BASH("r"), VERDICT_PROMPT, SHELL_PID },
                { COOKED BASH("k"), VERDICT_PROMPT, SHELL_PID }, /* without a line editor */
                { COOKED BASH("b"), VERDICT_LINE, SHELL_PID },   /* its own read, after a trap */
                { COOKED BASH("o"), VERDICT_RUNNING, 0 },
                { COOKED "f 200 S r 1 cat\n", VERDICT_LINE, 200 },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        question.interrupted = true;
        check(&question, "bash", rows, COUNT(rows));
}

static void a_starting_shell_is_ready_when_it_reads(void **state)
{
        static const struct row bash[] = {
                { EDITOR BASH("r"), VERDICT_PROMPT, SHELL_PID },
                { RAW BASH("r"), VERDICT_PROMPT, SHELL_PID },
                { COOKED BASH("r"), VERDICT_LINE, SHELL_PID }, /* its rc file asks */
                { SILENT BASH("r"), VERDICT_PASSWORD, SHELL_PID },
                { COOKED BASH("o"), VERDICT_RUNNING, 0 },
                { COOKED BASH("o") "f 200 S r 1 ssh-add\n", VERDICT_LINE, 200 },
        };
        static const struct row dash[] = { /* no line editor: its prompt is a plain read */
                { COOKED "f 100 S r 140000000000000 dash\na 100 -dash\n", VERDICT_PROMPT, SHELL_PID },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        question.runs_command = false;
        check(&question, "bash", bash, COUNT(bash));
        check(&question, "dash", dash, COUNT(dash));
        check(&question, "sh", dash, COUNT(dash));
}

static void an_exec_is_seen_by_its_new_stack(void **state)
{
        static const struct row rows[] = {
                { EDITOR "f 100 S r 140111111111111 zsh\na 100 zsh\n", VERDICT_REPLACED, SHELL_PID },
                { COOKED "f 100 S r 140111111111111 cat\n", VERDICT_REPLACED, SHELL_PID },
                { COOKED "f 100 S o 140111111111111 sleep\n", VERDICT_RUNNING, 0 },
                { EDITOR "f 100 S r 0 bash\n", VERDICT_PROMPT, SHELL_PID }, /* not to be seen */
                { EDITOR "f 100 S r 140000000000000 bash\n", VERDICT_PROMPT, SHELL_PID },
        };
        static const struct row unknown[] = {
                { EDITOR "f 100 S r 140111111111111 bash\n", VERDICT_PROMPT, SHELL_PID },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        check(&question, "bash", rows, COUNT(rows));
        question.shell_stack = 0;
        check(&question, "bash", unknown, COUNT(unknown));
}

/* Without job control the shell's children are in its group: they decide. */
static void children_in_the_shells_group_decide(void **state)
{
        static const struct row rows[] = {
                { COOKED BASH("o") "f 200 S r 1 cat\n", VERDICT_LINE, 200 },
                { COOKED BASH("o") "f 200 S o 1 sleep\n", VERDICT_RUNNING, 0 },
                { RAW BASH("o") "f 200 S p 1 vim\n", VERDICT_PROGRAM, 200 },
        };

        (void)state;
        check(&running_in_bash, "bash", rows, COUNT(rows));
}

static void a_shell_behind_a_relay_is_told_by_its_line_editor(void **state)
{
        static const struct row local[] = { /* we are the shell that started it */
                { RAW "f 200 S p 1 ssh\n", VERDICT_NESTED_SHELL, 200 },
                { RAW "f 200 S ? 0 sudo\n", VERDICT_NESTED_SHELL, 200 },
                { RAW "f 200 S p 1 docker\n", VERDICT_NESTED_SHELL, 200 },
                { RAW "f 200 S p 1 vim\n", VERDICT_PROGRAM, 200 },
                { COOKED "f 200 S r 1 ssh\n", VERDICT_LINE, 200 },      /* yes/no */
                { SILENT "f 200 S r 1 ssh\n", VERDICT_PASSWORD, 200 },
                { RAW "f 200 S o 1 ssh\n", VERDICT_RUNNING, 0 },
        };
        static const struct row remote[] = { /* our command runs on the other side of it */
                { RAW "f 200 S p 1 ssh\n", VERDICT_RUNNING, 0 },
        };
        static const struct row remote_prompt[] = {
                { RAW "f 200 S p 1 ssh\n", VERDICT_NESTED_SHELL, 200 },
        };
        static const struct row remote_interrupted[] = {
                { RAW "f 200 S p 1 ssh\n", VERDICT_PROMPT, 200 },
        };
        struct verdict_question question = running_in_bash;

        (void)state;
        question.line_editor_on = true;
        check(&question, "bash", local, COUNT(local));
        question.shell_pid = 0;
        question.shell_stack = 0;
        question.is_remote = true;
        check(&question, "sh", remote_prompt, COUNT(remote_prompt));
        question.interrupted = true;
        check(&question, "sh", remote_interrupted, COUNT(remote_interrupted));
        question.line_editor_on = false;
        check(&question, "sh", remote, COUNT(remote));
        question.interrupted = false;
        check(&question, "sh", remote, COUNT(remote));
}

static void a_status_is_0_to_255(void **state)
{
        static const struct {
                const char *driver;
                long long seen;
                int status;
        } rows[] = {
                { "bash", 0, 0 },    { "bash", 255, 255 }, { "bash", 130, 130 }, { "bash", 256, 0 },
                { "ksh93", 1, 1 },   { "ksh93", 255, 255 }, { "ksh93", 265, 137 }, { "ksh93", 256, 0 },
                { "ksh", 130, 130 }, { "yash", 399, 143 }, { "yash", 127, 127 }, { "zsh", -1, -1 },
                { "dash", 999999999999999999, 999999999999999999 & 0xFF },
        };

        (void)state;
        for (size_t i = 0; i < COUNT(rows); i++)
                assert_int_equal(driver_status(driver_find(str_of(rows[i].driver)), rows[i].seen),
                                 rows[i].status);
}

static void shells_are_known_by_name(void **state)
{
        (void)state;
        assert_string_equal(driver_find(str_of("bash"))->name, "bash");
        assert_string_equal(driver_find(str_of("-zsh"))->name, "zsh");
        assert_string_equal(driver_fallback()->name, "sh");
        assert_string_equal(driver_find(str_of("/usr/bin/fish"))->name, "fish");
        assert_string_equal(driver_find_at_prompt(str_of("csh"), true)->name, "csh");
        assert_string_equal(driver_find_at_prompt(str_of("-csh"), false)->name, "tcsh");
        assert_string_equal(driver_find_at_prompt(str_of("bash"), false)->name, "bash");
        assert_null(driver_find_at_prompt(str_of("nu"), false));
        assert_null(driver_find(str_of("nu")));
        assert_null(driver_find(str_of("python3")));
        assert_null(driver_find(str_of("--bash")));
        assert_null(driver_find(str_of("")));
        assert_null(driver_find(str_of("-")));
        assert_true(driver_is_shell(str_of("-fish")));
        assert_true(driver_is_shell(str_of("tcsh")));
        assert_true(driver_is_shell(str_of("nu")));
        assert_true(driver_is_shell(str_of("mksh")));
        assert_false(driver_is_shell(str_of("ssh")));
        assert_false(driver_is_shell(str_of("")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_line_is_understood),
                cmocka_unit_test(what_is_not_understood_is_skipped),
                cmocka_unit_test(too_much_is_cut),
                cmocka_unit_test(without_facts_it_is_running),
                cmocka_unit_test(a_program_that_reads_a_line_awaits_one),
                cmocka_unit_test(what_root_runs_cannot_be_seen),
                cmocka_unit_test(a_program_that_reads_keys_is_told),
                cmocka_unit_test(a_shell_at_its_prompt_may_have_others_in_its_group),
                cmocka_unit_test(a_shell_that_drops_our_line_is_at_its_prompt),
                cmocka_unit_test(a_starting_shell_that_reads_single_bytes_asks),
                cmocka_unit_test(another_shell_at_its_prompt_is_nested),
                cmocka_unit_test(a_script_is_a_program),
                cmocka_unit_test(the_shell_at_its_prompt_has_ended_our_line),
                cmocka_unit_test(after_ctrl_c_the_shell_that_reads_is_at_its_prompt),
                cmocka_unit_test(a_starting_shell_is_ready_when_it_reads),
                cmocka_unit_test(an_exec_is_seen_by_its_new_stack),
                cmocka_unit_test(children_in_the_shells_group_decide),
                cmocka_unit_test(a_shell_behind_a_relay_is_told_by_its_line_editor),
                cmocka_unit_test(a_status_is_0_to_255),
                cmocka_unit_test(shells_are_known_by_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
