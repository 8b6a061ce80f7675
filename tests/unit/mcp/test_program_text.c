#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scoped.h"
#include "mcp/program_text.h"
#include "mcp/text.h"

#include <string.h>

static void kinds_are_known_by_name(void **state)
{
        static const struct {
                const char *name;
                enum program_kind kind;
        } rows[] = {
                { "less", PROGRAM_PAGER },   { "vim.basic", PROGRAM_EDITOR },
                { "vi", PROGRAM_EDITOR },    { "emacs-nox", PROGRAM_EDITOR },
                { "python3", PROGRAM_REPL }, { "python3.11", PROGRAM_REPL },
                { "sqlite3", PROGRAM_REPL }, { "htop", PROGRAM_SCREEN },
                { "whiptail", PROGRAM_MENU },{ "lesspipe", PROGRAM_OTHER },
                { "7", PROGRAM_OTHER },      { "", PROGRAM_OTHER },
                { ".less", PROGRAM_OTHER },  { "pythonx", PROGRAM_OTHER },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                assert_int_equal(program_kind_of(rows[i].name), rows[i].kind);
}

/* What the reader sees of a program that waits after it has printed that. */
static void check(const char *name, const char *printed, const char *question, const char *answer)
{
        struct command_info info = { .name = "id", .awaiting = WIRE_AWAITING_PROGRAM,
                                     .question = name, .out = output_new() };
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        output_set_partial(info.out, printed, strlen(printed));
        text_write_question(&text, &info);
        assert_true(buf_append(&text, "", 1));
        assert_string_equal((char *)text.data, question);
        buf_reset(&text);
        program_write_how_to_answer(&text, &info);
        assert_true(buf_append(&text, "", 1));
        if (strstr((char *)text.data, answer) == NULL)
                fail_msg("no %s in: %s", answer, (char *)text.data);
        output_free(info.out);
}

static void each_kind_has_its_follow_up(void **state)
{
        (void)state;
        check("less", ":", "program: \"less\"", "send_keys \"q\" leaves it");
        check("less", ":", "program: \"less\"", "| cat");
        check("vim", "~", "program: \"vim\"", "\"<esc>:q!<enter>\" leaves without saving");
        check("nano", "", "program: \"nano\"", "\"<ctrl-x>n\"");
        check("python3", ">>> ", "program: \"python3\" asks \">>>\"", "'exit()\\n' leaves it");
        check("psql", "db=> ", "program: \"psql\" asks \"db=>\"", "'\\\\q\\n' leaves it");
        check("python3", "", "program: \"python3\"", "send_input('id', 'your line\\n')");
        check("mc", "", "program: \"mc\"", "\"<f10>\"");
        check("dialog", "", "program: \"dialog\"", "\"<enter>\" choose");
        check("x", "$ ", "program: \"x\"", "send_input('id', 'keys')");
}

static void a_prompt_stays_on_its_line(void **state)
{
        char many[300];

        (void)state;
        check("gdb", "a\x1b\nb", "program: \"gdb\" asks \"a  b\"", "'quit\\n'");
        memset(many, 'x', sizeof many - 1);
        many[sizeof many - 1] = 0;
        check("gdb", many, "program: \"gdb\"", "'quit\\n'"); /* output, no prompt */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds_are_known_by_name),
                cmocka_unit_test(each_kind_has_its_follow_up),
                cmocka_unit_test(a_prompt_stays_on_its_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
