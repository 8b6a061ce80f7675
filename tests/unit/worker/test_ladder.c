#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/shell/ladder.h"

#define BEGIN 1000

static const struct ladder_answer sent = { .kind = LADDER_SENT, .pid = 7, .name = "sleep" };

/* Nothing is due a moment before; then the step; then its answer. */
static int64_t climb(struct ladder *ladder, int64_t since_ms, int64_t pause_ms,
                     enum ladder_step step, const struct ladder_answer *answer)
{
        int64_t now_ms = since_ms + pause_ms;

        assert_int_equal(ladder_due_ms(ladder), now_ms);
        assert_int_equal(ladder_due(ladder, true, now_ms - 1), LADDER_WAIT);
        assert_int_equal(ladder_due(ladder, true, now_ms), step);
        assert_int_equal(ladder_due(ladder, true, now_ms), step); /* until it is asked */
        ladder_asked(ladder);
        assert_int_equal(ladder_due_ms(ladder), INT64_MAX);
        assert_int_equal(ladder_due(ladder, true, now_ms + 60000), LADDER_WAIT);
        ladder_answered(ladder, answer, now_ms + 5);
        return now_ms + 5;
}

static void is_over(struct ladder *ladder, enum wire_stopping outcome, int64_t now_ms)
{
        assert_int_equal(ladder_due(ladder, true, now_ms), LADDER_OVER);
        assert_int_equal(ladder->outcome, outcome);
        assert_int_equal(ladder_due(ladder, true, now_ms + 60000), LADDER_WAIT);
        assert_int_equal(ladder_due_ms(ladder), INT64_MAX);
}

/* All signals were sent; the last look says what is there. */
static void climbs_to(const struct ladder_answer *seen, enum wire_stopping outcome)
{
        struct ladder ladder;

        ladder_begin(&ladder, BEGIN);
        int64_t at = climb(&ladder, BEGIN, LADDER_PAUSE_MS, LADDER_TERM, &sent);
        at = climb(&ladder, at, LADDER_PAUSE_MS, LADDER_KILL, &sent);
        for (int i = 1; i < LADDER_KILLS_MAX; i++)
                at = climb(&ladder, at, LADDER_KILL_PAUSE_MS, LADDER_KILL, &sent);
        at = climb(&ladder, at, LADDER_KILL_PAUSE_MS, LADDER_LOOK, seen);
        is_over(&ladder, outcome, at);
}

static void term_and_kill_come_after_pauses(void **state)
{
        static const struct ladder_answer shell = { .kind = LADDER_SHELL, .pid = 100, .name = "bash" };
        static const struct ladder_answer nobody = { .kind = LADDER_NOBODY };
        static const struct ladder_answer silence = { .kind = LADDER_NO_ANSWER };

        (void)state;
        climbs_to(&sent, WIRE_STOPPING_RUNS);
        climbs_to(&shell, WIRE_STOPPING_SHELL);
        climbs_to(&nobody, WIRE_STOPPING_UNCONFIRMED);
        climbs_to(&silence, WIRE_STOPPING_UNCONFIRMED);
}

static void another_users_process_ends_it(void **state)
{
        static const struct ladder_answer denied = { .kind = LADDER_DENIED, .pid = 9, .name = "sudo" };
        struct ladder ladder;

        (void)state;
        ladder_begin(&ladder, BEGIN);
        int64_t at = climb(&ladder, BEGIN, LADDER_PAUSE_MS, LADDER_TERM, &denied);
        is_over(&ladder, WIRE_STOPPING_OTHER_USER, at);
        assert_int_equal(ladder.last.pid, 9);
}

static void without_a_side_channel_there_is_only_ctrl_c(void **state)
{
        struct ladder ladder;

        (void)state;
        ladder_begin(&ladder, BEGIN);
        assert_int_equal(ladder_due(&ladder, false, BEGIN + LADDER_PAUSE_MS - 1), LADDER_WAIT);
        assert_int_equal(ladder_due(&ladder, false, BEGIN + LADDER_PAUSE_MS), LADDER_OVER);
        assert_int_equal(ladder.outcome, WIRE_STOPPING_UNCONFIRMED);
}

static void what_was_not_begun_is_never_due(void **state)
{
        struct ladder ladder = { 0 };

        (void)state;
        assert_int_equal(ladder_due_ms(&ladder), INT64_MAX);
        assert_int_equal(ladder_due(&ladder, true, INT64_MAX - 1), LADDER_WAIT);
        ladder_answered(&ladder, &sent, BEGIN); /* of one that is over */
        assert_int_equal(ladder.rung, 0);
}

static void check_answer(const char *lines, enum ladder_answer_kind kind, long long pid,
                         const char *name)
{
        struct ladder_answer answer = ladder_read_answer(str_of(lines));

        assert_int_equal(answer.kind, kind);
        assert_int_equal(answer.pid, pid);
        assert_string_equal(answer.name, name);
}

static void answers_are_read(void **state)
{
        (void)state;
        check_answer("k sent 12 sleep\n", LADDER_SENT, 12, "sleep");
        check_answer("noise\nk shell 100 bash\n", LADDER_SHELL, 100, "bash");
        check_answer("k denied 5 Web Content\n", LADDER_DENIED, 5, "Web Content");
        check_answer("k none 0 \n", LADDER_NOBODY, 0, "");
        check_answer("k sent -3 x\n", LADDER_SENT, 0, "x");
        check_answer("k sent x\n", LADDER_SENT, 0, "");
        check_answer("k gone 4 x\n", LADDER_NO_ANSWER, 4, "x");
        check_answer("", LADDER_NO_ANSWER, 0, "");
        check_answer("k sent 1 abcdefghijklmnopqrstuvwxyz\n", LADDER_SENT, 1,
                     "abcdefghijklmnopqrstuvw");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(term_and_kill_come_after_pauses),
                cmocka_unit_test(another_users_process_ends_it),
                cmocka_unit_test(without_a_side_channel_there_is_only_ctrl_c),
                cmocka_unit_test(what_was_not_begun_is_never_due),
                cmocka_unit_test(answers_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
