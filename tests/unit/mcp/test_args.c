#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/args.h"
#include "mcp/chat.h"

#include "base/scoped.h"

#include <string.h>

static const struct tool row = {
        .name = "row",
        .args = (const struct arg[]) {
                { .name = "host", .kind = ARG_STRING, .help = "Which machine", .required = true, .max = 20 },
                { .name = "text", .kind = ARG_STRING, .help = "What", .may_be_empty = true, .may_hold_nul = true },
                { .name = "count", .kind = ARG_INT, .help = "How many", .min = 1, .max = 100, .fallback = "30" },
                { .name = "port", .kind = ARG_INT, .help = "Port", .min = 1, .max = 65535 },
                { .name = "deep", .kind = ARG_BOOL, .help = "Deep", .fallback = "false" },
                { 0 } },
};

/* The arguments stay until the next call. */
static bool check(const char *text, struct args *out_args, struct err *err)
{
        static json_t *arguments;
        scoped_free char *quoted = chat_quote(text);

        json_decref(arguments);
        arguments = json_loads(quoted, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
        assert_non_null(arguments);
        return args_check(out_args, &row, json_is_null(arguments) ? NULL : arguments, err);
}

static void values_and_fallbacks(void **state)
{
        struct args args;
        struct err err;

        (void)state;
        assert_true(check("{'host':'web1','count':7,'deep':true,'text':''}", &args, &err));
        assert_string_equal(args_text(&args, "host"), "web1");
        assert_int_equal(args_int(&args, "count"), 7);
        assert_true(args_bool(&args, "deep"));
        assert_true(args_has(&args, "text"));
        assert_false(args_has(&args, "port"));
        assert_int_equal(args_int(&args, "port"), 0);
        assert_true(check("{'host':'web1'}", &args, &err));
        assert_int_equal(args_int(&args, "count"), 30);
        assert_false(args_bool(&args, "deep"));
        assert_null(args_text(&args, "text"));
        assert_true(check("null", &args, &err) == false);
}

static void what_models_send_wrong_and_means_one_thing(void **state)
{
        struct args args;
        struct err err;

        (void)state;
        assert_true(check("{'host':'h','count':'42','deep':'true','port':null}", &args, &err));
        assert_int_equal(args_int(&args, "count"), 42);
        assert_true(args_bool(&args, "deep"));
        assert_false(args_has(&args, "port"));
        assert_true(check("{'host':'h','count':30.0,'deep':'false','text':null}", &args, &err));
        assert_int_equal(args_int(&args, "count"), 30);
        assert_false(args_bool(&args, "deep"));
        assert_true(check("{'host':'h','text':'a\\u0000b'}", &args, &err));
        assert_int_equal(args_str(&args, "text").len, 3);
}

static void what_is_wrong_is_named(void **state)
{
        static const char *const cases[][2] = {
                { "{}", "host is missing: Which machine" },
                { "{'host':null}", "host is missing" },
                { "{'host':''}", "host must not be empty" },
                { "{'host':7}", "host has to be a string" },
                { "{'host':'a\\u0000b'}", "host holds a NUL" },
                { "{'host':'aaaaaaaaaaaaaaaaaaaaa'}", "host is 21 bytes long; 20 are allowed" },
                { "{'host':'h','colour':'red'}", "row has no argument 'colour'; it has: host, text, count, port, deep" },
                { "{'host':'h','count':0}", "count has to be a whole number from 1 to 100" },
                { "{'host':'h','count':101}", "from 1 to 100" },
                { "{'host':'h','count':1.5}", "whole number" },
                { "{'host':'h','count':1e300}", "whole number" },
                { "{'host':'h','count':-1e300}", "whole number" },
                { "{'host':'h','count':'many'}", "whole number" },
                { "{'host':'h','count':''}", "whole number" },
                { "{'host':'h','count':[]}", "whole number" },
                { "{'host':'h','count':true}", "whole number" },
                { "{'host':'h','deep':'yes'}", "deep has to be true or false" },
                { "{'host':'h','deep':1}", "deep has to be true or false" },
        };
        struct args args;
        struct err err;

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                assert_false(check(cases[i][0], &args, &err));
                assert_int_equal(err.code, ERR_INPUT);
                if (strstr(err.text, cases[i][1]) == NULL)
                        fail_msg("'%s' is not in '%s'", cases[i][1], err.text);
        }
}

static void a_long_wrong_name_is_cut(void **state)
{
        scoped_buf struct buf text;
        struct args args;
        struct err err;

        (void)state;
        buf_init(&text, 100000);
        (void)buf_append_str(&text, "{'host':'h','");
        for (int i = 0; i < 5000; i++)
                (void)buf_append_str(&text, "ü");
        (void)buf_append_str(&text, "':1}");
        assert_false(check((char *)text.data, &args, &err));
        assert_true(strlen(err.text) < 200);
        assert_non_null(strstr(err.text, "ü';"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values_and_fallbacks),
                cmocka_unit_test(what_models_send_wrong_and_means_one_thing),
                cmocka_unit_test(what_is_wrong_is_named),
                cmocka_unit_test(a_long_wrong_name_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
