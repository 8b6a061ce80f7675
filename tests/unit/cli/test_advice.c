#include "base/scoped.h"
#include "cli/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 2048

static void assert_advice(enum connect_step step, const char *error, const char *part)
{
        scoped_buf struct buf text;
        struct err err;

        buf_init(&text, TEXT_MAX);
        (void)err_set(&err, ERR_CONNECT, "%s", error);
        advice_write(&text, step, &err, "web1");
        if (text.len == 0 || strstr((char *)text.data, part) == NULL)
                fail_msg("for \"%s\": %s", error, text.len > 0 ? (char *)text.data : "nothing");
}

static void an_error_that_knows_the_remedy_is_believed(void **state)
{
        (void)state;
        assert_advice(CONNECT_STEP_HOST_KEY, "the key is not known. To trust it, run x", "To trust it");
        assert_advice(CONNECT_STEP_REACH, "Connection refused. Start it.", "Start it.");
}

static void a_full_stop_at_the_end_is_no_remedy(void **state)
{
        (void)state;
        assert_advice(CONNECT_STEP_REACH, "cannot connect to web1 port 22: Connection refused.",
                      "Nothing listens");
        assert_advice(CONNECT_STEP_REACH, "1.2.3.4: Connection refused", "Nothing listens");
}

static void every_step_has_advice_for_what_nobody_foresaw(void **state)
{
        (void)state;
        for (int step = 0; step < CONNECT_STEPS; step++)
                assert_advice((enum connect_step)step, "something else", "");
        assert_advice(CONNECT_STEP_CONFIG, "x", "`ssh -G web1`");
        assert_advice(CONNECT_STEP_HOST_KEY, "x", "`ssh -v web1`");
}

static void the_host_is_named_as_the_person_said_it(void **state)
{
        (void)state;
        assert_advice(CONNECT_STEP_REACH, "cannot find the host web1.lan: unknown", "spelling of web1,");
        assert_advice(CONNECT_STEP_LOG_IN, "the server hung up", "journalctl -u ssh on web1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_error_that_knows_the_remedy_is_believed),
                cmocka_unit_test(a_full_stop_at_the_end_is_no_remedy),
                cmocka_unit_test(every_step_has_advice_for_what_nobody_foresaw),
                cmocka_unit_test(the_host_is_named_as_the_person_said_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
