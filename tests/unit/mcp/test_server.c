#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/chat.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/scoped.h"

#include <string.h>

#define ENVELOPE                                                                                   \
        "'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28',"                         \
        "'io.modelcontextprotocol/clientCapabilities':{}}"

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

/* ---- eras ---- */

static void initialize_negotiates(void **state)
{
        static const char *const versions[][2] = {
                { "2024-11-05", "2024-11-05" }, { "2025-03-26", "2025-03-26" },
                { "2025-06-18", "2025-06-18" }, { "2025-11-25", "2025-11-25" },
                { "2026-07-28", "2025-11-25" }, { "1999-01-01", "2025-11-25" }, { "", "2025-11-25" },
        };
        struct chat *chat = *state;

        for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
                scoped_free char *text = xasprintf("{'jsonrpc':'2.0','id':0,'method':'initialize','params':"
                                                   "{'protocolVersion':'%s','capabilities':{}}}",
                                                   versions[i][0]);
                chat_say(chat, text);
                const json_t *result = json_object_get(chat_hear(chat), "result");
                assert_string_equal(json_string_value(json_object_get(result, "protocolVersion")),
                                    versions[i][1]);
                assert_null(json_object_get(result, "resultType"));
                assert_true(json_string_length(json_object_get(result, "instructions")) < 2048);
        }
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/initialized'}");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':3}}");
        chat_expect_error(chat, -32602, "1");
}

static void the_era_is_decided_by_message(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','id':'d','method':'server/discover','params':{" ENVELOPE "}}");
        chat_say(chat, "{'jsonrpc':'2.0','id':0,'method':'initialize','params':{'protocolVersion':'2025-11-25'}}");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" ENVELOPE "}}");
        chat_say(chat, "{'jsonrpc':'2.0','id':2,'method':'tools/list'}");
        const json_t *discover = json_object_get(chat_hear(chat), "result");
        assert_string_equal(json_string_value(json_object_get(discover, "resultType")), "complete");
        assert_int_equal(json_array_size(json_object_get(discover, "supportedVersions")), 1);
        assert_null(json_object_get(discover, "serverInfo"));
        (void)chat_hear(chat);
        const json_t *modern = json_object_get(chat_hear(chat), "result");
        assert_non_null(json_object_get(modern, "ttlMs"));
        assert_non_null(json_object_get(modern, "cacheScope"));
        const json_t *legacy = json_object_get(chat_hear(chat), "result");
        assert_null(json_object_get(legacy, "ttlMs"));
        assert_null(json_object_get(legacy, "_meta"));
        assert_true(json_equal(json_object_get(modern, "tools"), json_object_get(legacy, "tools")));
}

static void a_modern_result_says_who_answers(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'list_sessions'," ENVELOPE "}}");
        const json_t *result = json_object_get(chat_hear(chat), "result");
        assert_string_equal(json_string_value(json_object_get(result, "resultType")), "complete");
        assert_null(json_object_get(result, "ttlMs"));
        assert_non_null(json_object_get(json_object_get(result, "_meta"), "io.modelcontextprotocol/serverInfo"));
}

static void methods_of_the_other_era_do_not_exist(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'ping','params':{" ENVELOPE "}}");
        chat_expect_error(chat, -32601, "1");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':'2025-11-25'," ENVELOPE "}}");
        chat_expect_error(chat, -32601, "1");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'server/discover'}");
        chat_expect_error(chat, -32602, "1");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'resources/list'}");
        chat_expect_error(chat, -32601, "1");
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'ping'}");
        chat_expect(chat, "{'jsonrpc':'2.0','id':1,'result':{}}");
}

static void broken_envelopes_are_refused(void **state)
{
        static const struct {
                const char *meta;
                int code;
        } cases[] = {
                { "'io.modelcontextprotocol/protocolVersion':'2026-07-28'", -32602 },
                { "'io.modelcontextprotocol/protocolVersion':3,'io.modelcontextprotocol/clientCapabilities':{}", -32602 },
                { "'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':[]", -32602 },
                { "'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{},"
                  "'io.modelcontextprotocol/clientInfo':{'name':1}", -32602 },
                { "'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{},"
                  "'io.modelcontextprotocol/logLevel':'loud'", -32602 },
                { "'io.modelcontextprotocol/protocolVersion':'2025-11-25','io.modelcontextprotocol/clientCapabilities':{}", -32022 },
        };
        struct chat *chat = *state;

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                scoped_free char *text = xasprintf("{'jsonrpc':'2.0','id':1,'method':'tools/list',"
                                                   "'params':{'_meta':{%s}}}", cases[i].meta);
                chat_say(chat, text);
                chat_expect_error(chat, cases[i].code, "1");
        }
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'ping','params':{'_meta':{"
                       "'io.modelcontextprotocol/protocolVersion':'2027-01-01','io.modelcontextprotocol/clientCapabilities':{}}}}");
        chat_expect(chat, "{'jsonrpc':'2.0','id':1,'error':{'code':-32022,'message':'Unsupported protocol version',"
                          "'data':{'supported':['2026-07-28'],'requested':'2027-01-01'}}}");
}

/* ---- messages ---- */

static void bad_lines_get_an_error_without_id(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "garbage");
        chat_expect_error(chat, -32700, NULL);
        chat_say(chat, "7");
        chat_expect_error(chat, -32600, NULL);
        chat_say(chat, "{'jsonrpc':'2.0','id':null,'method':'ping'}");
        chat_expect_error(chat, -32600, NULL);
        mcp_client_on_too_long(chat->client);
        chat_expect_error(chat, -32600, NULL);
        chat_say(chat, "{'jsonrpc':'2.0','id':'bad','method':'ping','params':[]}");
        chat_expect_error(chat, -32602, "\"bad\"");
        chat_say(chat, "{'jsonrpc':'2.0','id':'','method':'ping'}");
        chat_expect(chat, "{'jsonrpc':'2.0','id':'','result':{}}");
}

static void what_needs_no_answer_gets_none(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/unknown','params':{}}");
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/unknown','params':[]}");
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled'}");
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':7}}");
        chat_say(chat, "{'jsonrpc':'2.0','id':5,'result':{}}");
        chat_say(chat, "{'jsonrpc':'2.0','id':5,'error':{'code':1,'message':'x'}}");
        chat_hear_nothing(chat);
}

static void batches_exist_in_one_version(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "[{'jsonrpc':'2.0','id':1,'method':'ping'}]");
        chat_expect_error(chat, -32600, NULL);
        chat_say(chat, "{'jsonrpc':'2.0','id':0,'method':'initialize','params':{'protocolVersion':'2025-03-26'}}");
        (void)chat_hear(chat);
        chat_say(chat, "[{'jsonrpc':'2.0','id':1,'method':'ping'},{'jsonrpc':'2.0','method':'notifications/x'},3]");
        const json_t *answers = chat_hear(chat);
        assert_int_equal(json_array_size(answers), 2);
        chat_say(chat, "[{'jsonrpc':'2.0','method':'notifications/x'}]");
        chat_hear_nothing(chat);
        chat_say(chat, "[]");
        chat_expect_error(chat, -32600, NULL);
}

static void a_batch_waits_for_its_last_answer(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, "{'jsonrpc':'2.0','id':0,'method':'initialize','params':{'protocolVersion':'2025-03-26'}}");
        (void)chat_hear(chat);
        chat_say(chat, "[{'jsonrpc':'2.0','id':1,'method':'ping'},{'jsonrpc':'2.0','id':2,'method':'tools/call','params':"
                       "{'name':'execute_command','arguments':{'host':'h','command':'echo hi'}}}]");
        chat_hear_nothing(chat);
        fake_turn(chat->engine);
        assert_int_equal(json_array_size(chat_hear(chat)), 2);
        chat_say(chat, "[{'jsonrpc':'2.0','id':1,'method':'ping'},{'jsonrpc':'2.0','id':2,'method':'tools/call','params':"
                       "{'name':'execute_command','arguments':{'host':'h','command':'sleep'}}}]");
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':2}}");
        assert_int_equal(json_array_size(chat_hear(chat)), 1);
}

/* ---- calls ---- */

#define RUN(id, rest)                                                                              \
        "{'jsonrpc':'2.0','id':" id ",'method':'tools/call','params':{'name':'execute_command',"   \
        "'arguments':{'host':'h','command':'sleep 9'}" rest "}}"

static void a_duplicate_id_in_flight_is_refused(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, RUN("1", ""));
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'ping'}");
        chat_expect_error(chat, -32600, "1");
        chat_say(chat, "{'jsonrpc':'2.0','id':'1','method':'ping'}");
        chat_expect(chat, "{'jsonrpc':'2.0','id':'1','result':{}}");
        fake_end(fake_newest(chat->engine), 0);
        fake_turn(chat->engine);
        assert_non_null(json_object_get(chat_hear(chat), "result"));
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'ping'}");
        chat_expect(chat, "{'jsonrpc':'2.0','id':1,'result':{}}");
}

static void cancelling_interrupts_and_stays_silent(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, RUN("1", ""));
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':'1'}}");
        assert_int_equal(fake_newest(chat->engine)->interrupts, 0);
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':1,'reason':'AbortError: stop'}}");
        assert_int_equal(fake_newest(chat->engine)->interrupts, 1);
        fake_end(fake_newest(chat->engine), 130);
        chat_pass(chat, 60000);
        chat_hear_nothing(chat);
}

static void a_client_timeout_interrupts_nothing(void **state)
{
        static const char *const reasons[] = {
                "McpError: MCP error -32001: Request timed out", "SdkError: Request Timed Out",
                "timeout", "TimeoutError", "the time out was reached",
        };
        struct chat *chat = *state;

        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
                scoped_free char *text = xasprintf("{'jsonrpc':'2.0','method':'notifications/cancelled',"
                                                   "'params':{'requestId':1,'reason':'%s'}}", reasons[i]);
                chat_say(chat, RUN("1", ""));
                chat_say(chat, text);
                assert_int_equal(fake_newest(chat->engine)->interrupts, 0);
        }
        chat_pass(chat, 60000);
        chat_hear_nothing(chat);
}

static void cancelling_a_wait_interrupts_nothing(void **state)
{
        struct chat *chat = *state;

        (void)chat_call(chat, "execute_command_async", "{'host':'h','command':'sleep 9'}");
        chat_say(chat, "{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'get_command_status','arguments':"
                       "{'command_id':'00000000-0000-4000-8000-000000000001','wait_s':30}}}");
        chat_say(chat, "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':2}}");
        assert_int_equal(fake_newest(chat->engine)->interrupts, 0);
        assert_int_equal(fake_waits(chat->engine), 0);
        chat_hear_nothing(chat);
}

static void progress_is_sent_to_who_asked(void **state)
{
        struct chat *chat = *state;
        json_int_t last = 0;
        size_t count = 0;

        chat_say(chat, RUN("1", ",'_meta':{'progressToken':'tok'}"));
        fake_print(fake_newest(chat->engine), "first\nsecond\n");
        chat_pass(chat, 400);
        chat_hear_nothing(chat);
        for (int i = 0; i < 50; i++) {
                fake_print(fake_newest(chat->engine), ".\n");
                chat_pass(chat, 100);
        }
        fake_end(fake_newest(chat->engine), 0);
        chat_pass(chat, 5000);
        const json_t *line = chat_hear(chat);
        for (; json_object_get(line, "method") != NULL; line = chat_hear(chat), count++) {
                const json_t *params = json_object_get(line, "params");
                json_int_t progress = json_integer_value(json_object_get(params, "progress"));

                assert_true(progress >= last + (last > 0 ? 1000 : 500));
                assert_string_equal(json_string_value(json_object_get(params, "progressToken")), "tok");
                assert_non_null(strstr(json_string_value(json_object_get(params, "message")), " s | ."));
                last = progress;
        }
        assert_in_range(count, 4, 6);
        assert_non_null(json_object_get(line, "result"));
        chat_say(chat, RUN("2", ""));
        chat_pass(chat, 5000);
        chat_hear_nothing(chat);
}

static void tools_that_do_not_exist_are_protocol_errors(void **state)
{
        static const char *const params[] = {
                "{'name':'nope','arguments':{}}", "{'name':7}", "{}",
                "{'name':'list_sessions','arguments':[]}", "{'name':'list_sessions','_meta':{'progressToken':{}}}",
        };
        struct chat *chat = *state;

        for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
                scoped_free char *text = xasprintf("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':%s}", params[i]);

                chat_say(chat, text);
                chat_expect_error(chat, -32602, "1");
        }
        chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{'cursor':'x'}}");
        chat_expect_error(chat, -32602, "1");
}

static void many_requests_in_flight(void **state)
{
        struct chat *chat = *state;

        for (int i = 0; i < 100; i++) {
                scoped_free char *text = xasprintf("{'jsonrpc':'2.0','id':%d,'method':'tools/call','params':{'name':"
                                                   "'execute_command','arguments':{'host':'h','command':'echo %d'}}}", i, i);
                chat_say(chat, text);
        }
        fake_turn(chat->engine);
        for (int i = 0; i < 100; i++)
                assert_non_null(json_object_get(chat_hear(chat), "result"));
        chat_hear_nothing(chat);
}

static void calls_of_a_client_that_goes_are_dropped(void **state)
{
        struct chat *chat = *state;

        chat_say(chat, RUN("1", ""));
        chat_say(chat, RUN("2", ",'_meta':{'progressToken':1}"));
        assert_int_equal(fake_waits(chat->engine), 2);
} /* chat_close() sees that the waits are gone */

#ifdef FAULT_INJECTION
static void a_buffer_that_fails_costs_one_answer_at_most(void **state)
{
        struct chat *chat = *state;
        struct mcp *mcp = NULL;
        struct err err = { 0 };
        unsigned failures = 0;

        for (bool ok = false; !ok; failures++) {
                fault_at(failures + 1);
                ok = mcp_new(&mcp, chat->engine, INLINE_SECRETS_ALLOWED, &err);
                fault_off();
                assert_true(ok || (mcp == NULL && err.code != ERR_NONE));
        }
        mcp_free(mcp);
        assert_true(failures > 1);
        for (unsigned n = 1; n < 30; n++) {
                size_t before = chat->count;

                fault_at(n);
                chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'execute_command',"
                               "'arguments':{'host':'h','command':'true'}}}");
                fake_turn(chat->engine);
                fault_off();
                assert_true(chat->count - before <= 1);
                chat->taken = chat->count;
                chat_say(chat, "{'jsonrpc':'2.0','id':1,'method':'ping'}"); /* the id is free again */
                chat_expect(chat, "{'jsonrpc':'2.0','id':1,'result':{}}");
        }
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_chat, close_chat)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(initialize_negotiates),
                TEST(the_era_is_decided_by_message),
                TEST(a_modern_result_says_who_answers),
                TEST(methods_of_the_other_era_do_not_exist),
                TEST(broken_envelopes_are_refused),
                TEST(bad_lines_get_an_error_without_id),
                TEST(what_needs_no_answer_gets_none),
                TEST(batches_exist_in_one_version),
                TEST(a_batch_waits_for_its_last_answer),
                TEST(a_duplicate_id_in_flight_is_refused),
                TEST(cancelling_interrupts_and_stays_silent),
                TEST(a_client_timeout_interrupts_nothing),
                TEST(cancelling_a_wait_interrupts_nothing),
                TEST(progress_is_sent_to_who_asked),
                TEST(tools_that_do_not_exist_are_protocol_errors),
                TEST(many_requests_in_flight),
                TEST(calls_of_a_client_that_goes_are_dropped),
#ifdef FAULT_INJECTION
                TEST(a_buffer_that_fails_costs_one_answer_at_most),
#endif
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
