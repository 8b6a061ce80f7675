#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/rpc.h"

#include <string.h>

static void expect_parse_error(const char *bytes, size_t len)
{
        struct rpc_fault fault = { 0 };
        json_t *value;

        assert_false(rpc_parse(bytes, len, &value, &fault));
        assert_int_equal(fault.code, RPC_PARSE_ERROR);
        assert_true(fault.text[0] != '\0');
}

static void what_is_no_json_is_a_parse_error(void **state)
{
        static const char *const texts[] = { "", " ", "garbage", "{", "{}x", "[1,]", "\xFF", "{\"a\":\"\xC0\xAF\"}",
                                             "{\"a\":\"\xED\xA0\x80\"}", "nul", "\"\\ud800\"" };

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
                expect_parse_error(texts[i], strlen(texts[i]));
        expect_parse_error("{\0}", 3);
}

static void nesting_is_bounded_before_it_is_parsed(void **state)
{
        char text[30000];
        struct rpc_fault fault = { 0 };
        json_t *value;

        (void)state;
        memset(text, '[', 10000);
        expect_parse_error(text, 10000);
        memset(text, '[', RPC_DEPTH_MAX);
        memset(text + RPC_DEPTH_MAX, ']', RPC_DEPTH_MAX);
        assert_true(rpc_parse(text, 2 * (size_t)RPC_DEPTH_MAX, &value, &fault));
        json_decref(value);
        memset(text, '[', RPC_DEPTH_MAX + 1);
        memset(text + RPC_DEPTH_MAX + 1, ']', RPC_DEPTH_MAX + 1);
        expect_parse_error(text, 2 * ((size_t)RPC_DEPTH_MAX + 1));
}

static void brackets_in_strings_are_no_nesting(void **state)
{
        char text[1000] = "[\"\\\"";
        struct rpc_fault fault = { 0 };
        json_t *value;

        (void)state;
        memset(text + 4, '[', 900);
        memcpy(text + 904, "\\\\\"]", 5);
        assert_true(rpc_parse(text, strlen(text), &value, &fault));
        json_decref(value);
}

static enum rpc_code classify(const char *text, struct rpc_message *out, json_t **out_value)
{
        struct rpc_fault fault = { 0 };

        assert_true(rpc_parse(text, strlen(text), out_value, &fault));
        return rpc_classify(*out_value, out, &fault) ? 0 : fault.code;
}

static void messages_are_told_apart(void **state)
{
        struct rpc_message message;
        json_t *value;

        (void)state;
        assert_int_equal(classify("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"m\",\"params\":{}}", &message, &value), 0);
        assert_int_equal(message.kind, RPC_REQUEST);
        assert_string_equal(message.method, "m");
        assert_non_null(message.params);
        json_decref(value);
        assert_int_equal(classify("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", &message, &value), 0);
        assert_int_equal(message.kind, RPC_NOTIFICATION);
        assert_null(message.params);
        json_decref(value);
        assert_int_equal(classify("{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}", &message, &value), 0);
        assert_int_equal(message.kind, RPC_RESPONSE);
        json_decref(value);
}

static void what_is_no_message_is_an_invalid_request(void **state)
{
        static const struct {
                const char *text;
                bool has_id;
                enum rpc_code code;
        } cases[] = {
                { "[]", false, RPC_INVALID_REQUEST },
                { "{}", false, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}", true, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", false, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"m\"}", false, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"m\"}", false, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}", true, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"2.0\",\"id\":1}", true, RPC_INVALID_REQUEST },
                { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}", true, RPC_INVALID_PARAMS },
                { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}", true, RPC_INVALID_PARAMS },
        };
        struct rpc_message message;
        json_t *value;

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                assert_int_equal(classify(cases[i].text, &message, &value), cases[i].code);
                assert_int_equal(message.id != NULL, cases[i].has_id);
                json_decref(value);
        }
}

static void ids_keep_their_type(void **state)
{
        json_t *one = json_integer(1);
        json_t *text = json_string("1");
        json_t *real = json_real(1.0);
        json_t *other = json_integer(2);

        (void)state;
        assert_true(rpc_ids_equal(one, one));
        assert_true(rpc_ids_equal(one, real));
        assert_true(rpc_ids_equal(text, text));
        assert_false(rpc_ids_equal(one, text));
        assert_false(rpc_ids_equal(one, other));
        json_decref(one);
        json_decref(text);
        json_decref(real);
        json_decref(other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_no_json_is_a_parse_error),
                cmocka_unit_test(nesting_is_bounded_before_it_is_parsed),
                cmocka_unit_test(brackets_in_strings_are_no_nesting),
                cmocka_unit_test(messages_are_told_apart),
                cmocka_unit_test(what_is_no_message_is_an_invalid_request),
                cmocka_unit_test(ids_keep_their_type),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
