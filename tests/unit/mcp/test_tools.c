#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/chat.h"

#include "base/alloc.h"
#include "base/scoped.h"

#include <string.h>

#define FIRST_ID "00000000-0000-4000-8000-000000000001"
#define FIRST    "'command_id':'" FIRST_ID "'"

static int open_chat(void **state)
{
        static struct chat chat;

        chat_open(&chat);
        *state = &chat;
        return 0;
}

static int close_chat(void **state)
{
        chat_close(*state);
        return 0;
}

static const char *execute(struct chat *chat, const char *command)
{
        scoped_free char *text = xasprintf("{'host':'web1','command':'%s'}", command);

        return chat_text(chat_call(chat, "execute_command", text));
}

/* Starts a command that the test goes on with. */
static struct fake_command *start(struct chat *chat, const char *rest)
{
        scoped_free char *text = xasprintf("{'host':'web1','command':'job'%s}", rest);

        (void)chat_call(chat, "execute_command_async", text);
        return fake_newest(chat->engine);
}

static void expect_text(const json_t *result, const char *text)
{
        assert_string_equal(chat_text(result), text);
}

static void expect_in_text(const json_t *result, const char *part)
{
        if (strstr(chat_text(result), part) == NULL)
                fail_msg("'%s' is not in '%s'", part, chat_text(result));
}

/* ---- execute_command ---- */

static void a_command_that_ended(void **state)
{
        struct chat *chat = *state;

        assert_string_equal(execute(chat, "echo hi"), "Exit Status: 0\n\nSTDOUT:\nhi\n");
        assert_string_equal(execute(chat, "true"), "Exit Status: 0\n");
        const json_t *result = chat_call(chat, "execute_command", "{'host':'web1','command':'false'}");
        expect_text(result, "Exit Status: 1\n");
        assert_false(chat_is_error(result));
        assert_int_equal(json_integer_value(chat_fact(result, "exit_status")), 1);
        assert_string_equal(json_string_value(chat_fact(result, "state")), "done");
        assert_true(json_is_null(chat_fact(result, "awaiting")));
}

static void the_arguments_reach_the_engine(void **state)
{
        struct chat *chat = *state;
        const struct fake_request *request = fake_request(chat->engine);

        (void)chat_call(chat, "execute_command",
                        "{'host':'web1','command':'true','username':'u','password':'secret','port':'2222',"
                        "'key_filename':'/k','session':'two','isolated':true,'sudo_password':'','timeout':5}");
        assert_false(request->use_sudo);
        assert_string_equal(request->sudo_password, "");
        assert_string_equal(request->host, "web1");
        assert_string_equal(request->username, "u");
        assert_string_equal(request->password, "secret");
        assert_string_equal(request->key_filename, "/k");
        assert_string_equal(request->shell, "two");
        assert_int_equal(request->port, 2222);
        assert_true(request->isolated);
}

static void sudo_reaches_the_engine(void **state)
{
        struct chat *chat = *state;
        const struct fake_request *request = fake_request(chat->engine);

        (void)chat_call(chat, "execute_command_async", "{'host':'h','command':'true','use_sudo':true}");
        assert_true(request->use_sudo);
        assert_string_equal(request->sudo_password, "");
        (void)chat_call(chat, "execute_command_async",
                        "{'host':'h','command':'true','sudo_password':'hunter2'}");
        assert_false(request->use_sudo);
        assert_string_equal(request->sudo_password, "hunter2");
}

static void an_enable_password_says_what_works(void **state)
{
        struct chat *chat = *state;

        const json_t *result = chat_call(chat, "execute_command", "{'host':'h','command':'true','enable_password':'x'}");
        expect_in_text(result, "enable_password is not supported yet");
        assert_null(fake_newest(chat->engine));
}

static void no_final_newline_and_notes(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command;

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'execute_command','arguments':"
                       "{'host':'h','command':'job','isolated':true}}}");
        command = fake_newest(chat->engine);
        fake_print(command, "no newline");
        output_append(command->info.err, "warning\n", 8);
        command->info.notes = "the shell ended\nits state is lost";
        fake_end(command, 3);
        fake_turn(chat->engine);
        const json_t *result = json_object_get(chat_hear(chat), "result");
        expect_text(result, "Exit Status: 3\n\nSTDOUT:\nno newline\n\nSTDERR:\nwarning\n\n[the shell ended]\n[its state is lost]\n");
        assert_int_equal(json_integer_value(chat_fact(result, "output_bytes")), 10);
        assert_int_equal(json_integer_value(chat_fact(result, "stderr_bytes")), 8);
}

static void bytes_that_are_no_text_are_repaired(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command = start(chat, "");

        fake_print_bytes(command, "a\0b\xFF\xC3\n", 6);
        command->info.cwd = "/\xFF";
        fake_await(command, WIRE_AWAITING_LINE, "\xFF?\x1b[31m");
        const json_t *result = chat_call(chat, "get_command_status", "{" FIRST "}");
        expect_in_text(result, "line: \"\xEF\xBF\xBD? [31m\"\n");
}

static void an_unknown_status_says_why(void **state)
{
        struct chat *chat = *state;

        const json_t *lost = chat_call(chat, "execute_command", "{'host':'h','command':'lost'}");
        expect_text(lost, "Exit Status: unknown (connection lost: reset by peer)\n");
        assert_true(chat_is_error(lost));
        assert_true(json_is_null(chat_fact(lost, "exit_status")));
        const json_t *refused = chat_call(chat, "execute_command", "{'host':'h','command':'refused'}");
        expect_text(refused, "Error: connecting to web1: refused\n");
        assert_true(chat_is_error(refused));

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'execute_command','arguments':"
                       "{'host':'h','command':'job'}}}");
        fake_end(fake_newest(chat->engine), 0);
        fake_newest(chat->engine)->info.status_known = false;
        fake_newest(chat->engine)->info.signal = "KILL";
        fake_turn(chat->engine);
        const json_t *killed = json_object_get(chat_hear(chat), "result");
        expect_text(killed, "Exit Status: unknown (killed by signal KILL)\n");
        assert_false(chat_is_error(killed));
        assert_string_equal(json_string_value(chat_fact(killed, "signal")), "KILL");
}

static void a_timeout_says_how_to_go_on(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'execute_command','arguments':"
                       "{'host':'h','command':'job','timeout':2}}}");
        fake_print(fake_newest(chat->engine), "begun\n");
        fake_partial(fake_newest(chat->engine), "50%");
        chat_pass(chat, 1990);
        chat_hear_nothing(chat);
        chat_pass(chat, 50);
        const json_t *result = json_object_get(chat_hear(chat), "result");
        expect_text(result, "Command exceeded timeout of 2s and is now running in background.\n\n"
                            "Command ID: " FIRST_ID "\n\n"
                            "Use get_command_status('" FIRST_ID "', wait_s=30) to wait for it.\n"
                            "Use interrupt_command_by_id('" FIRST_ID "') to stop it.\n\n"
                            "OUTPUT SO FAR:\nbegun\n50%\n");
        assert_int_equal(json_integer_value(chat_fact(result, "next_offset")), 6);
        assert_int_equal(json_integer_value(chat_fact(result, "partial_bytes")), 3);
        assert_false(chat_is_error(result));
}

static void what_waits_says_what_it_asks(void **state)
{
        struct chat *chat = *state;

        const json_t *result = chat_call(chat, "execute_command", "{'host':'h','command':'ask'}");
        expect_text(result, "Command paused waiting for user input (password: \"[sudo] password for web\").\n\n"
                            "Command ID: " FIRST_ID "\n\n"
                            "Use send_input('" FIRST_ID "', 'your_input\\n') to provide input.\n\n"
                            "OUTPUT SO FAR:\n[sudo] password for web: \n");
        assert_string_equal(json_string_value(chat_fact(result, "state")), "awaiting_input");
        assert_string_equal(json_string_value(chat_fact(result, "awaiting")), "password");
        fake_await(fake_newest(chat->engine), WIRE_AWAITING_SHELL, "bash");
        result = chat_call(chat, "get_command_status", "{" FIRST "}");
        expect_in_text(result, "the next execute_command of this session runs inside it");
}

static void a_busy_shell_names_what_holds_it(void **state)
{
        struct chat *chat = *state;
        struct fake_command *holder = start(chat, "");

        fake_refuse(chat->engine, ERR_STATE, "busy", holder);
        const json_t *result = chat_call(chat, "execute_command", "{'host':'h','command':'second'}");
        assert_true(chat_is_error(result));
        expect_text(result,
                    "A command is already running or awaiting input in this session (web@web1:22).\n"
                    "Active Command ID: " FIRST_ID "\n"
                    "Active Command Status: running\n"
                    "This usually means a previous command timed out and continues in background monitoring.\n"
                    "Next steps:\n"
                    "- Check progress: get_command_status('" FIRST_ID "')\n"
                    "- Interrupt it: interrupt_command_by_id('" FIRST_ID "')\n"
                    "- Or wait until it completes before running another command.\n"
                    "- Or run elsewhere on the same connection: session='other' for a second shell, "
                    "isolated=true for this command alone.\n");
        fake_refuse(chat->engine, ERR_INPUT, "host: 'a b' has a blank", NULL);
        result = chat_call(chat, "execute_command_async", "{'host':'a b','command':'x'}");
        expect_text(result, "Error: host: 'a b' has a blank");
        assert_true(chat_is_error(result));
}

static void a_command_that_is_closed_under_its_call(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'execute_command','arguments':"
                       "{'host':'h','command':'job'}}}");
        fake_forget(chat->engine, fake_newest(chat->engine));
        fake_turn(chat->engine);
        assert_true(chat_is_error(json_object_get(chat_hear(chat), "result")));
}

/* ---- get_command_status ---- */

static void the_record_of_a_command(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command = start(chat, "");

        command->info.asked_wall_ms = 1767225600000;
        fake_print(command, "one\ntwo\n");
        expect_text(chat_call(chat, "get_command_status", "{" FIRST ",'offset':4}"),
                    "Command ID: " FIRST_ID "\nSession: web@web1:22\nCommand: job\nStatus: running\n"
                    "Started: 2026-01-01T00:00:00Z\n\nSTDOUT:\ntwo\n\n"
                    "[get_command_status('" FIRST_ID "', wait_s=30, offset=8) shows what comes next]\n");
        fake_end(command, 4);
        command->info.ended_wall_ms = 1767225661000;
        expect_text(chat_call(chat, "get_command_status", "{" FIRST ",'offset':8,'wait_s':30}"),
                    "Command ID: " FIRST_ID "\nSession: web@web1:22\nCommand: job\nStatus: done\n"
                    "Started: 2026-01-01T00:00:00Z\nEnded: 2026-01-01T00:01:01Z\nExit Code: 4\n");
}

static void status_waits_for_the_end_or_a_question(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command = start(chat, "");

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'get_command_status','arguments':{" FIRST ",'wait_s':30}}}");
        chat_say(chat, "{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'get_command_status','arguments':{" FIRST ",'wait_s':1}}}");
        chat_pass(chat, 5000);
        assert_int_equal(json_integer_value(json_object_get(chat_hear(chat), "id")), 2);
        fake_await(command, WIRE_AWAITING_LINE, "Continue? [y/N]");
        fake_turn(chat->engine);
        const json_t *result = json_object_get(chat_hear(chat), "result");
        expect_in_text(result, "Awaiting Input: line: \"Continue? [y/N]\"\n  → Use send_input('" FIRST_ID "', 'your_input\\n')");
}

static void unknown_ids_say_what_to_do(void **state)
{
        static const char *const tools[] = { "get_command_status", "read_output", "interrupt_command_by_id" };
        struct chat *chat = *state;

        for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
                const json_t *result = chat_call(chat, tools[i], "{'command_id':'nope'}");

                assert_true(chat_is_error(result));
                expect_in_text(result, "Error: Command ID not found: nope");
                expect_in_text(result, "list_command_history");
        }
        assert_true(chat_is_error(chat_call(chat, "send_input", "{'command_id':'nope','input_text':'x'}")));
}

/* ---- input ---- */

static void newlines_are_enter(void **state)
{
        static const char *const cases[][2] = {
                { "yes\\\\n", "yes\r" }, { "yes\\n", "yes\r" }, { "a\\\\r\\\\nb", "a\rb" }, { "a\\r\\nb", "a\rb" },
                { "\\\\n\\\\n", "\r\r" }, { "c:\\\\x", "c:\\x" }, { "\\u001b:q!\\\\n", "\x1b:q!\r" }, { "", "" },
                { "\\\\", "\\" },
        };
        struct chat *chat = *state;
        struct fake_command *command = start(chat, "");

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                scoped_free char *text = xasprintf("{" FIRST ",'input_text':'%s','wait_s':0}", cases[i][0]);

                buf_reset(&command->input);
                expect_in_text(chat_call(chat, "send_input", text), "Input sent successfully\n");
                assert_int_equal(command->input.len, strlen(cases[i][1]));
                assert_memory_equal(command->input.data, cases[i][1], command->input.len);
        }
        buf_reset(&command->input);
        (void)chat_call(chat, "send_input_by_session", "{'host':'h','input_text':'one\\\\n still\\ntwo\\n','wait_s':0}");
        assert_string_equal((char *)command->input.data, "one\\n still\rtwo\r");
}

static void an_answer_returns_what_is_new(void **state)
{
        struct chat *chat = *state;

        (void)execute(chat, "ask");
        const json_t *result = chat_call(chat, "send_input", "{" FIRST ",'input_text':'x\\\\n'}");
        expect_text(result, "Input sent successfully\n\nOutput:\n[sudo] password for web: \nuid=0(root)\n\n"
                            "[the command ended: done, exit status 0]\n");
        result = chat_call(chat, "send_input", "{" FIRST ",'input_text':'x\\\\n'}");
        assert_true(chat_is_error(result));
}

static void input_waits_until_the_reaction_pauses(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command = start(chat, "");

        fake_print(command, "old\n");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'send_input','arguments':{" FIRST ",'input_text':'x','wait_s':10}}}");
        chat_pass(chat, 2000);
        chat_hear_nothing(chat); /* quiet, but nothing came yet */
        fake_print(command, "new\n");
        chat_pass(chat, 250);
        chat_hear_nothing(chat);
        chat_pass(chat, 400);
        const json_t *result = json_object_get(chat_hear(chat), "result");
        expect_text(result, "Input sent successfully\n\nOutput:\nnew\n\n"
                            "[get_command_status('" FIRST_ID "', wait_s=30, offset=8) shows what comes next]\n");
}

static void no_reaction_is_said(void **state)
{
        struct chat *chat = *state;

        (void)start(chat, "");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'send_input','arguments':{" FIRST ",'input_text':'x'}}}");
        chat_pass(chat, 2100);
        expect_in_text(json_object_get(chat_hear(chat), "result"), "\nNo immediate output received\n");
}

/* ---- read_output ---- */

static void reading_piece_by_piece(void **state)
{
        struct chat *chat = *state;

        (void)execute(chat, "lines 3000");
        expect_text(chat_call(chat, "read_output", "{" FIRST ",'max_chars':14}"),
                    "line 1\nline 2\n\n[bytes 0 to 14 of 28893; read_output('" FIRST_ID "', offset=14) goes on]\n");
        expect_text(chat_call(chat, "read_output", "{" FIRST ",'offset':28873}"),
                    "line 2999\nline 3000\n\n[bytes 28873 to 28893, the end so far]\n");
        expect_text(chat_call(chat, "read_output", "{" FIRST ",'tail':1}"), "line 3000\n\n[the end of 28893 bytes]\n");
        expect_text(chat_call(chat, "read_output", "{" FIRST ",'grep':'1500','context':1}"),
                    "[1 of 3000 lines match; shown as line:offset:text]\n"
                    "1499-13873-line 1499\n1500:13883:line 1500\n1501-13893-line 1501\n");
        expect_text(chat_call(chat, "read_output", "{" FIRST ",'grep':'line .'}"), "[no match in 3000 lines]\n");
        expect_in_text(chat_call(chat, "read_output", "{" FIRST ",'offset':99999}"), "beyond the end, 28893");
        const json_t *many = chat_call(chat, "read_output", "{" FIRST ",'grep':'line','context':0,'max_chars':100}");
        expect_in_text(many, "[3000 of 3000 lines match, the first ");
        assert_true(json_is_true(chat_fact(many, "truncated")));
}

static void reading_what_cannot_be_read(void **state)
{
        struct chat *chat = *state;

        (void)execute(chat, "echo hi");
        assert_true(chat_is_error(chat_call(chat, "read_output", "{" FIRST ",'stream':'stderr'}")));
        assert_true(chat_is_error(chat_call(chat, "read_output", "{" FIRST ",'stream':'both'}")));
        assert_true(chat_is_error(chat_call(chat, "read_output", "{" FIRST ",'grep':'a\\nb'}")));
        assert_true(chat_is_error(chat_call(chat, "read_output", "{" FIRST ",'grep':'a','tail':3}")));
}

static void reading_while_it_runs(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command = start(chat, ",'isolated':true");

        fake_print(command, "begin\n");
        fake_partial(command, "error: half");
        output_append(command->info.err, "warning\n", 8);
        expect_text(chat_call(chat, "read_output", "{" FIRST "}"), "begin\nerror: half\n\n[bytes 0 to 6, the end so far]\n");
        expect_text(chat_call(chat, "read_output", "{" FIRST ",'stream':'stderr'}"),
                    "warning\n\n[bytes 0 to 8, the end so far]\n");
        expect_in_text(chat_call(chat, "read_output", "{" FIRST ",'grep':'error'}"),
                       "[the unfinished last line matches, too: error: half]");
}

/* ---- the others ---- */

static void interrupting(void **state)
{
        struct chat *chat = *state;
        static const struct {
                enum wire_stopping stopping;
                int64_t pid;
                const char *text;
                const char *outcome;
        } outcomes[] = {
                { WIRE_STOPPING_RUNS, 9, "still running (pid 9, dd): Ctrl-C, TERM and KILL",
                  "still_running" },
                { WIRE_STOPPING_OTHER_USER, 9, "still running (pid 9, dd, another user's): ",
                  "still_running" },
                { WIRE_STOPPING_SHELL, 9, "still running (pid 9, dd): the session's shell itself",
                  "still_running" },
                { WIRE_STOPPING_UNCONFIRMED, 0, "unconfirmed: it was asked", "unconfirmed" },
        };
        struct fake_command *command = start(chat, "");

        expect_text(chat_call(chat, "interrupt_command_by_id", "{" FIRST ",'wait_s':0}"),
                    "Sent interrupt signal to command " FIRST_ID "\n\nunconfirmed so far: Ctrl-C, then "
                    "TERM, then KILL are being sent until it ends.\nUse get_command_status('" FIRST_ID
                    "', wait_s=5) to see how it ends.\n");
        assert_int_equal(command->interrupts, 1);
        for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
                command->info.stopping = outcomes[i].stopping; /* the fake's interrupt leaves it */
                command->info.stopping_pid = outcomes[i].pid;
                command->info.stopping_name = "dd";
                const json_t *result =
                        chat_call(chat, "interrupt_command_by_id", "{" FIRST "}");
                const json_t *meta = json_object_get(json_object_get(result, "_meta"),
                                                     "mcp-ssh-session/interrupt");
                expect_in_text(result, outcomes[i].text);
                assert_string_equal(json_string_value(json_object_get(meta, "outcome")),
                                    outcomes[i].outcome);
                assert_int_equal(json_integer_value(json_object_get(meta, "pid")),
                                 outcomes[i].pid);
        }
        fake_end(command, 130);
        const json_t *late = chat_call(chat, "interrupt_command_by_id", "{" FIRST "}");
        expect_text(late, "Command " FIRST_ID " is not running (status: done)\n");
        assert_false(chat_is_error(late));
}

static const json_t *records(const json_t *result, const char *key)
{
        const json_t *found = json_object_get(json_object_get(result, "structuredContent"), key);

        assert_non_null(found);
        return found;
}

static void listing_commands(void **state)
{
        struct chat *chat = *state;

        expect_text(chat_call(chat, "list_running_commands", "{}"), "No running commands\n");
        expect_text(chat_call(chat, "list_command_history", "{}"), "No command history\n");
        (void)execute(chat, "echo one");
        (void)execute(chat, "echo two");
        (void)execute(chat, "ask");
        (void)start(chat, "");
        const json_t *running = chat_call(chat, "list_running_commands", "{}");
        assert_int_equal(json_array_size(records(running, "commands")), 2);
        expect_in_text(running, "Running Commands:\n\n- ID: ");
        const json_t *history = chat_call(chat, "list_command_history", "{}");
        assert_int_equal(json_array_size(records(history, "commands")), 3);
        expect_in_text(history, "Command History (last 3):\n");
        const json_t *last = chat_call(chat, "list_command_history", "{'limit':1}");
        assert_int_equal(json_array_size(records(last, "commands")), 1);
}

static void listing_and_closing_sessions(void **state)
{
        struct chat *chat = *state;
        struct session_info shell = { .name = "web@web1:22", .host_given = "web1", .state = "ready", .shell = "bash",
                                      .cwd = "/tmp", .server = "", .auth_method = "publickey", .is_shell = true };
        struct session_info bare = { .name = "db@\xFF:22", .host_given = "db", .state = "connecting", .shell = "",
                                     .server = "", .auth_method = "" };

        expect_text(chat_call(chat, "list_sessions", "{}"), "No active SSH sessions\n");
        expect_text(chat_call(chat, "close_all_sessions", "{}"), "No active SSH sessions\n");
        (void)start(chat, "");
        shell.command = fake_newest(chat->engine)->info.id;
        fake_add_session(chat->engine, &shell);
        fake_add_session(chat->engine, &bare);
        const json_t *result = chat_call(chat, "list_sessions", "{}");
        expect_in_text(result, "Active SSH Sessions:\n- web@web1:22 (ready, bash, /tmp)\n- db@");
        const json_t *first = json_array_get(records(result, "sessions"), 0);
        assert_string_equal(json_string_value(json_object_get(first, "command_id")), FIRST_ID);
        result = chat_call(chat, "close_session", "{'host':'web1','username':'web','port':22,'session':'two'}");
        expect_text(result, "Closed session: web@web1:22/two\n");
        assert_int_equal(json_integer_value(records(result, "closed")), 2);
        expect_in_text(chat_call(chat, "close_session", "{'host':'web1'}"), "No open session: web1\n");
        fake_add_session(chat->engine, &shell);
        expect_text(chat_call(chat, "close_all_sessions", "{}"), "All SSH sessions closed\n");
}

/* ---- screen and keys ---- */

static char texts[][8] = { "above", "one", "two", "three", "four", "" };
static const struct screen_row some_rows[] = {
        { -1, false, true, texts[0] }, { 0, false, true, texts[1] }, { 1, false, false, texts[2] },
        { 2, false, false, texts[3] }, { 3, false, true, texts[4] }, { 4, false, false, texts[5] },
};

static struct screen_info a_screen(void)
{
        return (struct screen_info){
                .session = "web@web1:22",
                .screen = { .columns = 80, .rows = 5, .cursor_x = 2, .cursor_y = 3, .serial = 77,
                            .flags = WIRE_SCREEN_ALTERNATE, .end = WIRE_SCREEN_QUIET },
                .title = "a title",
                .rows = some_rows + 1,
                .row_count = 5,
        };
}

static const json_t *ask_for_screen(struct chat *chat, const char *tool, const char *arguments,
                                    const struct screen_info *info)
{
        scoped_free char *text = xasprintf("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':"
                                           "{'name':'%s','arguments':%s}}", tool, arguments);

        chat_say(chat, text);
        assert_true(fake_screen(chat->engine, info, NULL));
        return json_object_get(chat_hear(chat), "result");
}

static void input_to_a_session(void **state)
{
        struct chat *chat = *state;

        const json_t *result = chat_call(chat, "send_input_by_session", "{'host':'h','input_text':'x'}");
        assert_true(chat_is_error(result));
        expect_in_text(result, "No active shell for this session");
        (void)execute(chat, "true");
        struct screen_info info = a_screen();
        result = ask_for_screen(chat, "send_input_by_session", "{'host':'h','input_text':'x','session':'two'}", &info);
        expect_in_text(result, "Input sent successfully\n\n[no command runs in this session");
        expect_in_text(result, "\nSCREEN:\none\ntwo\n");
        assert_int_equal(fake_screen_request(chat->engine)->wait_ms, 2000);
        assert_string_equal(fake_request(chat->engine)->shell, "two");
}

static void a_line_drawn_over_is_a_reaction(void **state)
{
        struct chat *chat = *state;
        struct fake_command *command = start(chat, "");

        fake_partial(command, "10%");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'send_input','arguments':{" FIRST ",'input_text':'x','wait_s':10}}}");
        chat_pass(chat, 1000);
        chat_hear_nothing(chat);
        fake_partial(command, "20%");
        chat_pass(chat, 700);
        expect_in_text(json_object_get(chat_hear(chat), "result"), "\nOutput:\n20%\n");
}

static void a_screen_as_text(void **state)
{
        struct chat *chat = *state;
        struct screen_info info = a_screen();

        expect_text(ask_for_screen(chat, "read_screen", "{'host':'web1'}", &info),
                    "Session: web@web1:22\nSize: 80x5, alternate screen\nCursor: row 4, column 3\n"
                    "Title: a title\n"
                    "Terminal: no command of this server runs; the shell starts, or runs what was typed into it\n"
                    "\nSCREEN:\none\ntwo\nthree\nfour\n"
                    "\n[since=77 in the next read_screen shows only what changes]\n");
        assert_int_equal(fake_screen_request(chat->engine)->wait_ms, 0);
        info.screen.flags = WIRE_SCREEN_PROMPT | WIRE_SCREEN_HIDDEN;
        info.rows = some_rows;
        info.row_count = 6;
        const json_t *result = ask_for_screen(chat, "read_screen", "{'host':'web1','scrollback':1,'max_lines':2}", &info);
        expect_in_text(result, "Cursor: row 4, column 3 (hidden)\n");
        expect_in_text(result, "Terminal: shell prompt\n\nSCROLLBACK:\nabove\n\nSCREEN:\n"
                               "[rows 1 to 2 are not shown; max_lines=4 shows all]\nthree\nfour\n\n");
        info.screen.cursor_y = 0;
        expect_in_text(ask_for_screen(chat, "read_screen", "{'host':'web1','max_lines':2}", &info),
                       "SCREEN:\none\n[rows 2 to 3 are not shown; max_lines=4 shows all]\nfour\n\n");
        expect_in_text(ask_for_screen(chat, "read_screen", "{'host':'web1','since':76}", &info),
                       "\nCHANGED ROWS:\n1: one\n4: four\n\n[since=77");
        assert_int_equal(fake_screen_request(chat->engine)->since, 76);
}

static void a_screen_with_a_command(void **state)
{
        struct chat *chat = *state;
        struct screen_info info = a_screen();
        struct fake_command *command = start(chat, "");

        fake_await(command, WIRE_AWAITING_PROGRAM, "vim");
        const json_t *result = ask_for_screen(chat, "read_screen", "{'host':'web1','resize':'120x40'}", &info);
        expect_in_text(result, "Terminal: running \"job\" (ID " FIRST_ID "), waiting for input (program: \"vim\")\n");
        assert_int_equal(fake_screen_request(chat->engine)->columns, 120);
        assert_int_equal(fake_screen_request(chat->engine)->rows, 40);
        const json_t *facts = json_object_get(json_object_get(result, "_meta"), "mcp-ssh-session/screen");
        assert_int_equal(json_integer_value(json_object_get(facts, "width")), 80);
        assert_int_equal(json_integer_value(json_object_get(facts, "cursor_y")), 3);
        assert_string_equal(json_string_value(json_object_get(facts, "awaiting")), "program");
        fake_end(command, 3);
        result = ask_for_screen(chat, "send_keys", "{'host':'web1','keys':'<enter>','wait_s':5}", &info);
        expect_in_text(result, "Successfully sent keys to web1\n\nSession: web@web1:22\n");
        expect_in_text(result, "Terminal: the command \"job\" (ID " FIRST_ID ") ended: done, exit status 3\n");
        assert_string_equal(fake_keys(chat->engine), "<enter>");
        assert_int_equal(fake_screen_request(chat->engine)->wait_ms, 5000);
}

static void a_screen_that_does_not_come(void **state)
{
        struct chat *chat = *state;
        struct err err;

        expect_in_text(chat_call(chat, "read_screen", "{'host':'nowhere'}"), "No active shell");
        expect_in_text(chat_call(chat, "read_screen", "{'host':'web1','resize':'9x9'}"), "resize is COLUMNSxROWS");
        expect_in_text(chat_call(chat, "send_keys", "{'host':'web1','keys':'?'}"), "there is no key ?");
        (void)err_set(&err, ERR_STATE, "it is gone");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'send_keys',"
                       "'arguments':{'host':'web1','keys':'x'}}}");
        assert_true(fake_screen(chat->engine, NULL, &err));
        const json_t *result = json_object_get(chat_hear(chat), "result");
        assert_true(chat_is_error(result));
        expect_in_text(result, "The keys were sent. Then: it is gone");
        chat_say(chat, "{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'read_screen','arguments':{'host':'web1'}}}");
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':2}}");
        assert_false(fake_screen(chat->engine, NULL, &err)); /* nobody waits any more */
        chat_hear_nothing(chat);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_chat, close_chat)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_command_that_ended),
                TEST(the_arguments_reach_the_engine),
                TEST(sudo_reaches_the_engine),
                TEST(an_enable_password_says_what_works),
                TEST(no_final_newline_and_notes),
                TEST(bytes_that_are_no_text_are_repaired),
                TEST(an_unknown_status_says_why),
                TEST(a_timeout_says_how_to_go_on),
                TEST(what_waits_says_what_it_asks),
                TEST(a_busy_shell_names_what_holds_it),
                TEST(a_command_that_is_closed_under_its_call),
                TEST(the_record_of_a_command),
                TEST(status_waits_for_the_end_or_a_question),
                TEST(unknown_ids_say_what_to_do),
                TEST(newlines_are_enter),
                TEST(an_answer_returns_what_is_new),
                TEST(input_waits_until_the_reaction_pauses),
                TEST(no_reaction_is_said),
                TEST(input_to_a_session),
                TEST(a_line_drawn_over_is_a_reaction),
                TEST(a_screen_as_text),
                TEST(a_screen_with_a_command),
                TEST(a_screen_that_does_not_come),
                TEST(reading_piece_by_piece),
                TEST(reading_what_cannot_be_read),
                TEST(reading_while_it_runs),
                TEST(interrupting),
                TEST(listing_commands),
                TEST(listing_and_closing_sessions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
