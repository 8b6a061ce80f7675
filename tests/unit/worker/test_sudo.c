#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "worker/shell/sudo.h"

#include <stdio.h>
#include <string.h>

#define SHELL_PID 100
#define OUT_MAX   65536

static struct sudo *sudo;
static struct buf out; /* all that sudo_feed() gave out */

static int begin(void **state)
{
        const struct wire_sudo asked = { .password = str_of("hunter2"), .whom = str_of("bob@web1:22"),
                                         .why_none = str_of("none is known") };

        (void)state;
        sudo = sudo_new(&asked);
        buf_init(&out, OUT_MAX);
        (void)buf_append_str(&out, ""); /* a text from the start */
        return 0;
}

static int finish(void **state)
{
        (void)state;
        sudo_free(sudo);
        buf_fini(&out);
        return 0;
}

static void feed(const char *text)
{
        struct str rest = sudo_feed(sudo, str_of(text));

        assert_true(buf_append(&out, rest.ptr, rest.len));
}

static void feed_bytes(const char *text)
{
        char one[2] = "";

        for (; *text != 0; text++) {
                one[0] = *text;
                feed(one);
        }
}

#define expect(text) assert_true(str_is(buf_str(&out), text))

/* ---- what is printed ---- */

static void the_prompt_is_taken_out_and_seen(void **state)
{
        (void)state;
        feed("a lecture\r\n");
        assert_false(sudo->at_prompt);
        feed(sudo->prompt);
        assert_true(sudo->at_prompt);
        expect("a lecture\r\n");
}

static void a_prompt_in_pieces_is_seen_at_its_last_byte(void **state)
{
        (void)state;
        feed("x");
        for (const char *at = sudo->prompt; *at != 0; at++) {
                assert_false(sudo->at_prompt);
                feed_bytes((char[]){ *at, 0 });
        }
        assert_true(sudo->at_prompt);
        expect("x");
}

static void anything_behind_the_prompt_takes_it_back(void **state)
{
        (void)state;
        feed(sudo->prompt);
        feed(" ");
        assert_false(sudo->at_prompt);
        feed(sudo->prompt);
        feed_bytes("[mcp");
        assert_false(sudo->at_prompt);
}

static void what_only_begins_like_a_prompt_is_output(void **state)
{
        char most[3 * SUDO_PROMPT_MAX];

        (void)state;
        (void)snprintf(most, sizeof most, "%.*s", (int)strlen(sudo->prompt) - 1, sudo->prompt);
        feed_bytes(most);
        feed("!");
        feed("[[mcp-ssh-session x] sudo password: ");
        feed("[mcp");
        struct str held = sudo_release(sudo);
        assert_true(str_is(held, "[mcp"));
        strcat(most, "![[mcp-ssh-session x] sudo password: ");
        expect(most);
        assert_false(sudo->at_prompt);
}

static void a_prompt_behind_its_own_beginning_is_found(void **state)
{
        (void)state;
        feed("[mcp-ssh-session ");
        feed(sudo->prompt);
        assert_true(sudo->at_prompt);
        expect("[mcp-ssh-session ");
}

static void part_of_a_prompt_is_never_the_mark(void **state)
{
        char part[SUDO_PROMPT_MAX];

        (void)state;
        (void)snprintf(part, sizeof part, "%.*s", (int)strlen(sudo->mark), sudo->prompt);
        feed(part);
        assert_int_equal(sudo->step, SUDO_BEGINS);
        assert_non_null(sudo->password);
        feed(sudo->prompt + strlen(part));
        assert_true(sudo->at_prompt);
}

static void the_mark_ends_it_all(void **state)
{
        (void)state;
        feed(sudo->mark);
        assert_int_equal(sudo->step, SUDO_RUNS);
        assert_null(sudo->password);
        feed(sudo->prompt); /* the command prints it */
        assert_false(sudo->at_prompt);
        expect(sudo->prompt);
}

static void what_was_typed_is_not_shown_as_stars(void **state)
{
        (void)state;
        feed(sudo->prompt);
        sudo_set_typed(sudo);
        feed_bytes("*******");
        feed("\b \b\b \b\r\n");
        feed("\n* star\r\n");
        expect("\n* star\r\n");
}

static void output_without_a_newline_before_it_is_output(void **state)
{
        (void)state;
        feed(sudo->prompt);
        sudo_set_typed(sudo);
        feed("**Sorry\n");
        expect("Sorry\n");
}

/* ---- the proof ---- */

static struct facts facts_of(const char *modes, const char *processes)
{
        struct facts facts = { 0 };
        char text[2000];
        struct str line;

        (void)snprintf(text, sizeof text, "s 100\n%s%s", modes, processes);
        struct str rest = str_of(text);
        while (str_line(&rest, &line))
                facts_take_line(&facts, line);
        return facts;
}

#define SILENT "m 1 0 1\n"

static const char *doubt_of(const char *modes, const char *processes)
{
        const struct facts facts = facts_of(modes, processes);

        return sudo_doubt(sudo, &facts, SHELL_PID);
}

static const char *asking(const char *line, const char *name)
{
        static char text[400];

        (void)snprintf(text, sizeof text, "%sa 200 %s -p %s -- bash -c x\n", line, name, sudo->prompt);
        return text;
}

#define ROOT(line) line "u 200 0 100 0\n"

static void sudo_alone_is_proof(void **state)
{
        (void)state;
        feed(sudo->prompt);
        assert_null(doubt_of(SILENT, asking(ROOT("f 200 S ? 0 sudo\n"), "sudo")));
        assert_null(doubt_of(SILENT, asking(ROOT("f 200 S r 0 sudo\n"), "/usr/bin/sudo")));
        assert_null(doubt_of("m 0 0 1\n", asking(ROOT("f 200 S ? 0 sudo\n"), "sudo"))); /* pwfeedback */
        assert_null(doubt_of(SILENT, asking(ROOT("f 200 S ? 0 sudo-rs\n"), "sudo-rs")));
        assert_null(doubt_of(SILENT, asking(ROOT("f 100 S o 0 bash\nf 200 S ? 0 sudo\n"), "sudo")));
}

static void anything_else_is_none(void **state)
{
        (void)state;
        feed(sudo->prompt);
        const struct {
                const char *modes, *processes;
        } cases[] = {
                { SILENT, "" },
                { "m 1 1 1\n", asking(ROOT("f 200 S ? 0 sudo\n"), "sudo") }, /* echo is on */
                { "", ROOT("f 200 S ? 0 sudo\n") },                          /* no modes */
                { SILENT, ROOT("f 200 S ? 0 sudo\n") },                      /* no arguments */
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_non_null(doubt_of(cases[i].modes, cases[i].processes));
        static const char *const lines[] = {
                "f 200 S r 0 cat\nu 200 0 100 0\n",
                "f 200 S ? 0 su\nu 200 0 100 0\n",
                "f 200 S ? 0 sudo\n",                   /* nothing known of it */
                "f 200 S ? 0 sudo\nu 200 -1 100 0\n",
                "f 200 S r 0 sudo\nu 200 1000 100 0\n", /* not root */
                "f 200 S ? 0 sudo\nu 200 0 300 0\n",    /* another's child */
                "f 200 S ? 0 sudo\nu 200 0 100 1\n",    /* its command runs */
                "f 200 R ? 0 sudo\nu 200 0 100 0\n",
                "f 200 S o 0 sudo\nu 200 0 100 0\n",    /* sleeps elsewhere */
                "f 200 S ? 0 sudo\nu 200 0 100 0\nf 300 S r 0 cat\n",
        };
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                assert_non_null(doubt_of(SILENT, asking(lines[i], "sudo")));
        assert_non_null(doubt_of(SILENT, asking(ROOT("f 200 S ? 0 sudo\n"), "cat")));
        const struct facts facts = facts_of(SILENT, asking(ROOT("f 200 S ? 0 sudo\n"), "sudo"));
        assert_non_null(sudo_doubt(sudo, &facts, 0)); /* the shell is not known */
        feed("x");
        assert_non_null(sudo_doubt(sudo, &facts, SHELL_PID)); /* no prompt stands there */
}

static void another_prompt_in_the_arguments_is_none(void **state)
{
        (void)state;
        feed(sudo->prompt);
        assert_non_null(doubt_of(SILENT, ROOT("f 200 S ? 0 sudo\n")
                                         "a 200 sudo -p [mcp-ssh-session other] sudo password: -- x\n"));
        char text[300];
        (void)snprintf(text, sizeof text, ROOT("f 200 S ? 0 sudo\n") "a 200 sudo echo -p %s\n",
                       sudo->prompt);
        assert_non_null(doubt_of(SILENT, text));
}

static void on_an_exec_channel_sudo_is_all_there_is(void **state)
{
        struct facts facts;

        (void)state;
        feed(sudo->prompt);
        facts = facts_of(SILENT, asking(ROOT("f 200 S ? 0 sudo\n"), "sudo -S"));
        assert_int_equal(facts.shell_pid, SHELL_PID);
        assert_null(sudo_doubt_piped(sudo, &facts));
        facts = facts_of(SILENT, asking(ROOT("f 200 S o 0 sudo\n"), "sudo -S")); /* a pipe is no terminal */
        assert_null(sudo_doubt_piped(sudo, &facts));
        facts = facts_of(SILENT, asking(ROOT("f 200 S ? 0 sudo\nf 300 S o 0 bash\n"), "sudo -S"));
        assert_non_null(sudo_doubt_piped(sudo, &facts));
        facts = facts_of(SILENT, asking("f 200 S ? 0 sudo\nu 200 0 300 0\n", "sudo -S"));
        assert_non_null(sudo_doubt_piped(sudo, &facts));
        facts = (struct facts){ 0 };
        assert_non_null(sudo_doubt_piped(sudo, &facts));
}

/* ---- moves ---- */

static struct wire_end ended(enum wire_how how, int status)
{
        return (struct wire_end){ .how = how, .status = status };
}

static void the_password_goes_as_soon_as_it_is_of_no_use(void **state)
{
        (void)state;
        sudo_set_typed(sudo);
        assert_null(sudo->password);
        assert_false(sudo_take_password(sudo, str_of("again")));
        sudo_give_up(sudo, "of a reason");
        assert_true(str_is(sudo_question(sudo), "sudo password; it was not typed, because of a reason"));
        assert_true(sudo_take_password(sudo, str_of("later")));
        assert_int_equal(sudo->step, SUDO_BEGINS);
        assert_int_equal(sudo_question(sudo).len, 0);
}

static void an_end_without_the_mark_is_no_end_of_the_command(void **state)
{
        struct wire_end end = ended(WIRE_HOW_EXITED, 1);

        (void)state;
        assert_true(sudo_judge_end(sudo, false, &end));
        assert_int_equal(end.how, WIRE_HOW_REFUSED);
        assert_int_equal(end.status, -1);
        end = ended(WIRE_HOW_EXITED, 127);
        assert_true(sudo_judge_end(sudo, false, &end));
        assert_non_null(strstr(end.text.ptr, "not found"));
        end = ended(WIRE_HOW_INTERRUPTED, 130);
        assert_false(sudo_judge_end(sudo, false, &end));
        sudo_set_refused(sudo);
        assert_true(sudo_judge_end(sudo, false, &end));
        assert_non_null(strstr(end.text.ptr, "did not accept the password for bob@web1:22"));
}

static void the_command_s_own_end_stays_as_it_is(void **state)
{
        struct wire_end end = ended(WIRE_HOW_EXITED, 127);

        (void)state;
        feed(sudo->mark);
        assert_false(sudo_judge_end(sudo, true, &end));
        assert_int_equal(end.status, 127);
        sudo->step = SUDO_TYPED;
        sudo->own_at = 4;
        assert_false(sudo_judge_end(sudo, false, &end));
}

/* ---- the command line ---- */

static void no_echo_of_the_line_looks_like_the_prompt(void **state)
{
        scoped_buf struct buf line;

        (void)state;
        buf_init(&line, OUT_MAX);
        assert_true(sudo_write_start(&line, sudo, "bash", false));
        assert_null(strstr((const char *)line.data, sudo->prompt));
        assert_null(strchr((const char *)line.data, '\x1B'));
        assert_int_equal(strncmp((const char *)line.data, "command sudo -p '[mcp", 21), 0);
        buf_reset(&line);
        assert_true(sudo_write_start(&line, sudo, "sh", true));
        assert_int_equal(strncmp((const char *)line.data, "exec sudo -S -p '[mcp", 21), 0);
        assert_non_null(strstr((const char *)line.data, " >&2;"));
}

static void a_sudo_of_the_command_s_own_keeps_its_options(void **state)
{
        scoped_buf struct buf line;

        (void)state;
        buf_init(&line, OUT_MAX);
        sudo->own_at = 6;
        assert_true(sudo_write_own(&line, sudo, str_of("  sudo -u postgres psql"), false));
        assert_int_equal(strncmp((const char *)line.data, "  command sudo -p '", 19), 0);
        assert_non_null(strstr((const char *)line.data, " sudo password: ' -u postgres psql"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_prompt_is_taken_out_and_seen),
                TEST(a_prompt_in_pieces_is_seen_at_its_last_byte),
                TEST(anything_behind_the_prompt_takes_it_back),
                TEST(what_only_begins_like_a_prompt_is_output),
                TEST(a_prompt_behind_its_own_beginning_is_found),
                TEST(part_of_a_prompt_is_never_the_mark),
                TEST(the_mark_ends_it_all),
                TEST(what_was_typed_is_not_shown_as_stars),
                TEST(output_without_a_newline_before_it_is_output),
                TEST(sudo_alone_is_proof),
                TEST(anything_else_is_none),
                TEST(another_prompt_in_the_arguments_is_none),
                TEST(on_an_exec_channel_sudo_is_all_there_is),
                TEST(the_password_goes_as_soon_as_it_is_of_no_use),
                TEST(an_end_without_the_mark_is_no_end_of_the_command),
                TEST(the_command_s_own_end_stays_as_it_is),
                TEST(no_echo_of_the_line_looks_like_the_prompt),
                TEST(a_sudo_of_the_command_s_own_keeps_its_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
