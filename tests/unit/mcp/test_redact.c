/* What leaves through the table of requests has no secret in it, and what is ours stays as it is. */
#include "mcp/fake_engine.h"
#include "mcp/inline_secrets.h"
#include "mcp/requests.h"
#include "session/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool redact(void *arg, struct str text, struct buf *out)
{
        return engine_redact(arg, text, out);
}

static struct engine *engine_with(const char *secret)
{
        struct engine *engine = fake_engine_new();
        struct err err;

        assert_true(engine_add_secret(engine, secret, strlen(secret), &err));
        return engine;
}

static json_t *result_of(const char *secret, const char *text)
{
        struct engine *engine = engine_with(secret);
        const struct redact redactor = { redact, engine };
        json_t *result = json_loads(text, 0, NULL);

        assert_non_null(result);
        redact_result(&redactor, result);
        engine_free(engine);
        return result;
}

static void check(const char *secret, const char *text, const char *expected)
{
        json_t *result = result_of(secret, text);
        json_t *wanted = json_loads(expected, 0, NULL);

        assert_non_null(wanted);
        assert_true(json_equal(result, wanted));
        json_decref(result);
        json_decref(wanted);
}

static void texts_and_records_lose_their_secrets(void **state)
{
        (void)state;
        check("hunter2", "{\"content\":[{\"type\":\"text\",\"text\":\"it is hunter2.\"}]}",
              "{\"content\":[{\"type\":\"text\",\"text\":\"it is [redacted].\"}]}");
        check("hun\"er2", "{\"content\":[{\"type\":\"text\",\"text\":\"hun\\\"er2\"}]}",
              "{\"content\":[{\"type\":\"text\",\"text\":\"[redacted]\"}]}");
        check("hunter2", "{\"structuredContent\":{\"commands\":[{\"command\":\"echo hunter2\",\"n\":1}]}}",
              "{\"structuredContent\":{\"commands\":[{\"command\":\"echo [redacted]\",\"n\":1}]}}");
        check("hunter2", "{\"_meta\":{\"x\":{\"cwd\":\"/hunter2\",\"state\":\"done\",\"nothing\":null}}}",
              "{\"_meta\":{\"x\":{\"cwd\":\"/[redacted]\",\"state\":\"done\",\"nothing\":null}}}");
        check("hunter2", "{\"content\":[]}", "{\"content\":[]}");
}

static void what_is_ours_is_left_alone(void **state)
{
        static const char ours[] =
                "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"_meta\":{\"c\":{\"command_id\":\"text\","
                "\"state\":\"text\",\"awaiting\":\"text\",\"started\":\"text\",\"ended\":\"text\",\"code\":\"text\"}}}";

        (void)state;
        check("text", ours, ours);
}

static void nobody_redacts_without_a_redactor(void **state)
{
        const struct redact none = { NULL, NULL };
        json_t *result = json_loads("{\"content\":[{\"text\":\"x\"}]}", 0, NULL);
        char text[] = "x";

        (void)state;
        redact_result(&none, result);
        redact_in_place(&none, text, sizeof text);
        assert_string_equal(text, "x");
        json_decref(result);
}

static void a_text_in_a_fixed_place_stays_in_it(void **state)
{
        struct engine *engine = engine_with("abcd");
        const struct redact redactor = { redact, engine };
        char exact[] = "abcd abcd";
        char room[64] = "an abcd";

        (void)state;
        redact_in_place(&redactor, exact, sizeof exact);
        assert_string_equal(exact, "[redacted");
        redact_in_place(&redactor, room, sizeof room);
        assert_string_equal(room, "an [redacted]");
        engine_free(engine);
}

static void a_denied_secret_is_known_all_the_same(void **state)
{
        struct engine *engine = fake_engine_new();
        json_t *arguments = json_loads("{\"host\":\"we\\nb\",\"sudo_password\":\"hunter2\"}", 0, NULL);
        struct err err = { 0 };
        struct buf out;

        (void)state;
        buf_init(&out, 100);
        assert_true(inline_secrets_take(engine, INLINE_SECRETS_DENIED, NULL, &err));
        assert_false(engine_redact(engine, str_of("hunter2"), &out));
        assert_false(inline_secrets_take(engine, INLINE_SECRETS_DENIED, arguments, &err));
        assert_non_null(strstr(err.text, "sudo_password"));
        assert_non_null(strstr(err.text, "login we\\x0ab"));
        assert_non_null(strstr(err.text, "_SUDO_PASS"));
        assert_true(engine_redact(engine, str_of("hunter2"), &out));
        assert_true(inline_secrets_take(engine, INLINE_SECRETS_ALLOWED, arguments, &err));
        buf_fini(&out);
        json_decref(arguments);
        engine_free(engine);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts_and_records_lose_their_secrets),
                cmocka_unit_test(what_is_ours_is_left_alone),
                cmocka_unit_test(nobody_redacts_without_a_redactor),
                cmocka_unit_test(a_text_in_a_fixed_place_stays_in_it),
                cmocka_unit_test(a_denied_secret_is_known_all_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
