#include "session/command/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct command *add(struct commands *commands, const char *text, bool isolated)
{
        struct command *command = command_new(text, strlen(text), isolated, "bob@web:22");
        struct command *added = command;

        (void)commands_add(commands, &command);
        assert_null(command);
        return added;
}

static void final_states_lead_nowhere(void **state)
{
        (void)state;
        for (int from = COMMAND_QUEUED; from <= COMMAND_LOST; from++)
                for (int to = COMMAND_QUEUED; to <= COMMAND_LOST; to++)
                        if (command_state_is_final((enum command_state)from))
                                assert_false(command_may_become((enum command_state)from,
                                                                (enum command_state)to));
        assert_false(command_may_become(COMMAND_QUEUED, COMMAND_DONE));
        assert_true(command_may_become(COMMAND_QUEUED, COMMAND_AWAITING)); /* an rc file asks */
        assert_true(command_may_become(COMMAND_QUEUED, COMMAND_LOST));
        assert_true(command_may_become(COMMAND_AWAITING, COMMAND_RUNNING));
}

struct ending {
        struct wire_end end;
        enum command_state state;
        bool status_known;
        const char *reason;
};

static void an_end_is_told_as_it_was(void **state)
{
        const struct ending cases[] = {
                { { .how = WIRE_HOW_EXITED, .status = 0 }, COMMAND_DONE, true, "" },
                { { .how = WIRE_HOW_EXITED, .status = 255 }, COMMAND_DONE, true, "" },
                { { .how = WIRE_HOW_EXITED, .status = 256 },
                  COMMAND_DONE,
                  false,
                  "the host reported status 256" },
                { { .how = WIRE_HOW_EXITED, .status = -1 },
                  COMMAND_DONE,
                  false,
                  "no exit status was seen" },
                { { .how = WIRE_HOW_SIGNALED, .status = -1, .signal = { "SEGV", 4 } },
                  COMMAND_DONE,
                  false,
                  "killed by signal SEGV" },
                { { .how = WIRE_HOW_UNKNOWN, .status = -1, .text = { "syntax error", 12 } },
                  COMMAND_DONE,
                  false,
                  "syntax error" },
                { { .how = WIRE_HOW_INTERRUPTED, .status = 130 }, COMMAND_INTERRUPTED, true, "" },
                { { .how = WIRE_HOW_INTERRUPTED, .status = -1 },
                  COMMAND_INTERRUPTED,
                  false,
                  "interrupted" },
                { { .how = WIRE_HOW_LOST, .status = -1, .text = { "gone\x1b[1m", 8 } },
                  COMMAND_LOST,
                  false,
                  "gone [1m" },
                { { .how = WIRE_HOW_REFUSED, .status = -1, .text = { "no shell", 8 } },
                  COMMAND_FAILED,
                  false,
                  "no shell" },
        };
        struct commands *commands = commands_new();

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct command *command = add(commands, "x", false);
                command_set_state(command, COMMAND_RUNNING);
                command_end_as_told(command, &cases[i].end);
                struct command_info info = command_describe(command);
                assert_int_equal(info.state, cases[i].state);
                assert_int_equal(info.status_known, cases[i].status_known);
                assert_string_equal(info.reason, cases[i].reason);
                if (info.status_known)
                        assert_int_equal(info.exit_status, cases[i].end.status);
                assert_int_equal(info.error.code != ERR_NONE,
                                 info.state == COMMAND_LOST || info.state == COMMAND_FAILED);
        }
        commands_free(commands);
}

static void names_are_random_uuids(void **state)
{
        struct commands *commands = commands_new();
        struct command *a = add(commands, "x", false);
        struct command *b = add(commands, "x", true);

        (void)state;
        assert_int_equal(strlen(a->name), COMMAND_NAME_LEN);
        assert_int_equal(a->name[14], '4');
        assert_string_not_equal(a->name, b->name);
        assert_int_equal(commands_find_name(commands, b->name).n, b->id.n);
        assert_int_equal(commands_find_name(commands, "x").n, 0);
        assert_null(a->err);
        assert_non_null(b->err);
        commands_free(commands);
}

static void only_the_oldest_finished_ones_are_forgotten(void **state)
{
        struct commands *commands = commands_new();
        command_id running = add(commands, "sleep", false)->id;
        command_id oldest = { 0 };
        struct err why;

        (void)state;
        (void)err_set(&why, ERR_CONNECT, "no");
        for (int i = 0; i < COMMANDS_KEPT + 2; i++) {
                struct command *command = add(commands, "true", false);
                command_end(command, COMMAND_FAILED, &why);
                if (i == 0)
                        oldest = command->id;
        }
        assert_non_null(commands_find(commands, running));
        assert_null(commands_find(commands, oldest));
        assert_true(commands_was_given(commands, oldest));
        assert_false(commands_was_given(commands, (command_id){ 9999 }));
        commands_free(commands);
}

static void too_many_running_are_refused(void **state)
{
        struct commands *commands = commands_new();
        struct err err;

        (void)state;
        for (int i = 0; i < COMMANDS_RUNNING_MAX; i++) {
                assert_true(commands_has_room(commands, &err));
                (void)add(commands, "sleep", false);
        }
        assert_false(commands_has_room(commands, &err));
        assert_int_equal(err.code, ERR_LIMIT);
        commands_free(commands);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(final_states_lead_nowhere),
                cmocka_unit_test(an_end_is_told_as_it_was),
                cmocka_unit_test(names_are_random_uuids),
                cmocka_unit_test(only_the_oldest_finished_ones_are_forgotten),
                cmocka_unit_test(too_many_running_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
