/*
 * A log-in with a person who looks on: questions of a worker that the test plays, answers, and
 * what is kept of them.
 */
#include "fake_worker.h"

#include "base/clock.h"
#include "session/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct person {
        struct connection_watch watch;
        uint64_t connection;
        unsigned questions;
        char text[256];
        char instruction[256];
        bool is_echoed;
        bool is_ready;
        struct err failure; /* ERR_NONE: none yet */
};

static void on_step(void *arg, enum connect_step step, const char *text)
{
        struct person *person = arg;

        (void)text;
        person->is_ready |= step == CONNECT_STEP_LOG_IN;
}

static void on_failure(void *arg, enum connect_step step, const struct err *why)
{
        struct person *person = arg;

        (void)step;
        person->failure = *why;
}

static void on_prompt(void *arg, const struct connect_prompt *prompt)
{
        struct person *person = arg;

        person->questions++;
        person->is_echoed = prompt->is_echoed;
        (void)snprintf(person->text, sizeof person->text, "%s", prompt->text);
        (void)snprintf(person->instruction, sizeof person->instruction, "%s", prompt->instruction);
}

static void on_moved(void *arg, uint64_t id)
{
        struct person *person = arg;

        person->connection = id;
}

static bool try_to_connect(struct bench *bench, struct person *person, struct err *err)
{
        const struct run_request request = bench_request(bench, NULL, "");
        bool is_ready;

        *person = (struct person){
                .watch = { .on_step = on_step,
                           .on_failure = on_failure,
                           .arg = person,
                           .on_prompt = on_prompt,
                           .on_moved = on_moved },
        };
        return engine_connect(bench->engine, &request.session, &person->watch, &person->connection,
                              &is_ready, err);
}

/* Up to where the worker authenticates. */
static struct wire_connect begin(struct bench *bench, struct person *person)
{
        struct wire_connect connect;
        struct err err;

        assert_true(try_to_connect(bench, person, &err));
        bench_accept(bench);
        struct frame frame = bench_expect(bench, WIRE_CONNECT);
        assert_true(wire_read_connect(&frame, &connect));
        bench_shows_key(bench, /* is_known= */ true);
        return connect;
}

static void ask(struct bench *bench, const struct wire_prompt *prompt)
{
        assert_true(wire_write_prompt(&bench->out, prompt));
        bench_send(bench);
}

static void until_asked(struct bench *bench, const struct person *person, unsigned questions)
{
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;

        while (person->questions < questions) {
                assert_true(clock_now_ms() < deadline);
                bench_turn(bench);
        }
}

static void until_over(struct bench *bench, const struct person *person)
{
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;

        while (!person->is_ready && person->failure.code == ERR_NONE) {
                assert_true(clock_now_ms() < deadline);
                bench_turn(bench);
        }
}

static void answer(struct bench *bench, const struct person *person, const char *text)
{
        struct secret *secret = text != NULL ? secret_new(text, strlen(text)) : NULL;

        engine_answer(bench->engine, person->connection, secret);
        secret_free(secret);
}

static void expect_answer(struct bench *bench, uint32_t is_answered, const char *text)
{
        struct frame frame = bench_expect(bench, WIRE_ANSWER);
        struct wire_reader reader = wire_read(&frame);

        assert_int_equal(wire_get_u32(&reader), is_answered);
        assert_true(str_is(wire_get_bytes(&reader), text));
        assert_true(wire_read_done(&reader));
}

static void tell_secret(struct bench *bench, enum wire_prompt_kind kind, uint32_t is_good)
{
        const struct wire_secret secret = { .kind = kind, .is_good = is_good };

        assert_true(wire_write_secret(&bench->out, &secret));
        bench_send(bench);
}

static void log_in(struct bench *bench, const struct person *person)
{
        assert_true(wire_write_ready(&bench->out, str_of("SSH-2.0-Test"), str_of("password"),
                                     str_of("")));
        bench_send(bench);
        until_over(bench, person);
        assert_true(person->is_ready);
}

static const struct wire_prompt for_password = { .kind = WIRE_PROMPT_PASSWORD };

static void a_question_goes_to_the_person_and_the_answer_back(void **state)
{
        struct bench *bench = *state;
        struct person person;
        const struct wire_prompt prompt = { .kind = WIRE_PROMPT_INTERACTIVE,
                                            .echo = 1,
                                            .text = str_of("Code\033[2J:"),
                                            .instruction = str_of("from your\nphone") };
        char expected[64];

        assert_int_equal(begin(bench, &person).may_prompt, 1);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &prompt);
        until_asked(bench, &person, 1);
        (void)snprintf(expected, sizeof expected, "(bob@127.0.0.1:%d) Code [2J:", bench->port);
        assert_string_equal(person.text, expected);
        assert_string_equal(person.instruction, "from your phone");
        assert_true(person.is_echoed);
        answer(bench, &person, "123456");
        expect_answer(bench, 1, "123456");
        answer(bench, &person, "again"); /* nothing is asked now: nothing is sent */
        log_in(bench, &person);
        engine_unwatch(bench->engine, person.connection);
}

/* "Password of eve's host", backwards, where our words stand. */
static void a_question_cannot_be_shown_in_another_order(void **state)
{
        struct bench *bench = *state;
        struct person person;
        const struct wire_prompt prompt = {
                .kind = WIRE_PROMPT_INTERACTIVE,
                .text = str_of("\xE2\x80\xAE:drowssaP\xE2\x81\xA6\xE2\x80\x8F"),
                .instruction = str_of("one\xE2\x80\xA8two \xE2\x82\xAC \xE2\x80\x94"),
        };

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &prompt);
        until_asked(bench, &person, 1);
        assert_non_null(
                strstr(person.text, ") \xEF\xBF\xBD:drowssaP\xEF\xBF\xBD\xEF\xBF\xBD"));
        assert_string_equal(person.instruction,
                            "one\xEF\xBF\xBDtwo \xE2\x82\xAC \xE2\x80\x94");
        engine_unwatch(bench->engine, person.connection);
}

static void a_person_who_leaves_has_declined(void **state)
{
        struct bench *bench = *state;
        struct person person;

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        until_asked(bench, &person, 1);
        engine_unwatch(bench->engine, person.connection);
        expect_answer(bench, 0, "");
        ask(bench, &for_password); /* nobody is there any more */
        expect_answer(bench, 0, "");
}

static void a_good_password_is_used_again_and_a_refused_one_is_forgotten(void **state)
{
        struct bench *bench = *state;
        struct person person;
        struct wire_connect connect = begin(bench, &person);

        assert_int_equal(connect.password.len, 0);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        until_asked(bench, &person, 1);
        answer(bench, &person, "secret");
        expect_answer(bench, 1, "secret");
        tell_secret(bench, WIRE_PROMPT_PASSWORD, 1);
        log_in(bench, &person);
        engine_unwatch(bench->engine, person.connection);
        (void)engine_close_all(bench->engine);

        connect = begin(bench, &person);
        assert_true(str_is(connect.password, "secret"));
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        tell_secret(bench, WIRE_PROMPT_PASSWORD, 0);
        bench_fails(bench, ERR_AUTH, "refused");
        until_over(bench, &person);
        assert_int_equal(person.failure.code, ERR_AUTH);

        connect = begin(bench, &person);
        assert_int_equal(connect.password.len, 0);
        engine_unwatch(bench->engine, person.connection);
}

static void write_config(const struct bench *bench)
{
        char path[128];

        (void)snprintf(path, sizeof path, "%s/.ssh/config", bench->home);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "Host *\n  HostName 127.0.0.1\n  Port %d\n  User bob\n", bench->port);
        (void)fprintf(file, "Host lax\n  StrictHostKeyChecking accept-new\n"
                            "  UserKnownHostsFile ~/.ssh/new\n");
        (void)fprintf(file, "Host elsewhere\n  ProxyCommand sleep 60\n");
        assert_int_equal(fclose(file), 0);
}

/* The same user, host and port, but not what the person meant who typed it. */
static void a_kept_password_goes_where_it_was_typed_for(void **state)
{
        static const char *const others[] = { "lax", "elsewhere" };
        struct bench *bench = *state;
        struct person person;
        struct wire_connect connect;
        command_id id;
        struct err err;

        write_config(bench);
        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        until_asked(bench, &person, 1);
        answer(bench, &person, "secret");
        expect_answer(bench, 1, "secret");
        tell_secret(bench, WIRE_PROMPT_PASSWORD, 1);
        log_in(bench, &person);
        engine_unwatch(bench->engine, person.connection);
        (void)engine_close_all(bench->engine);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                const struct run_request request = { .session = { .host = others[i] },
                                                     .text = "id",
                                                     .text_len = 2 };
                assert_true(bench_try(bench, &request, &id, &err));
                bench_accept(bench);
                struct frame frame = bench_expect(bench, WIRE_CONNECT);
                assert_true(wire_read_connect(&frame, &connect));
                assert_int_equal(connect.password.len, 0);
                (void)engine_close_all(bench->engine);
        }
        assert_true(str_is(begin(bench, &person).password, "secret"));
        engine_unwatch(bench->engine, person.connection);
}

static void what_did_not_prove_good_is_not_kept(void **state)
{
        struct bench *bench = *state;
        struct person person;

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        until_asked(bench, &person, 1);
        answer(bench, &person, "secret");
        expect_answer(bench, 1, "secret");
        log_in(bench, &person); /* and not a word about the password */
        engine_unwatch(bench->engine, person.connection);
        (void)engine_close_all(bench->engine);
        assert_int_equal(begin(bench, &person).password.len, 0);
        engine_unwatch(bench->engine, person.connection);
}

static void a_code_is_never_kept(void **state)
{
        struct bench *bench = *state;
        struct person person;
        const struct wire_prompt code = { .kind = WIRE_PROMPT_INTERACTIVE, .text = str_of("Code") };

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &code);
        until_asked(bench, &person, 1);
        answer(bench, &person, "123456");
        expect_answer(bench, 1, "123456");
        tell_secret(bench, WIRE_PROMPT_PASSWORD, 1); /* a worker that lies */
        log_in(bench, &person);
        engine_unwatch(bench->engine, person.connection);
        (void)engine_close_all(bench->engine);
        assert_int_equal(begin(bench, &person).password.len, 0);
        engine_unwatch(bench->engine, person.connection);
}

/* ---- workers that do what they may not ---- */

static void expect_broken(struct bench *bench, const struct person *person)
{
        until_over(bench, person);
        assert_int_equal(person->failure.code, ERR_PROTOCOL);
}

static void a_second_question_while_one_is_open_ends_it(void **state)
{
        struct bench *bench = *state;
        struct person person;

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        ask(bench, &for_password);
        expect_broken(bench, &person);
        assert_int_equal(person.questions, 1);
}

static void a_question_about_a_key_that_was_never_given_ends_it(void **state)
{
        struct bench *bench = *state;
        struct person person;
        const struct wire_prompt prompt = { .kind = WIRE_PROMPT_PASSPHRASE, .key = 7 };

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &prompt);
        expect_broken(bench, &person);
        assert_int_equal(person.questions, 0);
}

static void a_question_before_the_host_was_checked_ends_it(void **state)
{
        struct bench *bench = *state;
        struct person person;
        struct err err;

        assert_true(try_to_connect(bench, &person, &err));
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        ask(bench, &for_password);
        expect_broken(bench, &person);
        assert_int_equal(person.questions, 0);
}

static void endless_questions_end_it(void **state)
{
        struct bench *bench = *state;
        struct person person;

        (void)begin(bench, &person);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        for (unsigned i = 1; i <= 64; i++) {
                ask(bench, &for_password);
                until_asked(bench, &person, i);
                answer(bench, &person, "x");
                expect_answer(bench, 1, "x");
        }
        ask(bench, &for_password);
        expect_broken(bench, &person);
}

static void a_question_where_nobody_was_announced_ends_it(void **state)
{
        struct bench *bench = *state;
        command_id id = bench_run(bench, NULL, "true");
        struct wire_connect connect;

        bench_accept(bench);
        struct frame frame = bench_expect(bench, WIRE_CONNECT);
        assert_true(wire_read_connect(&frame, &connect));
        assert_int_equal(connect.may_prompt, 0);
        bench_shows_key(bench, /* is_known= */ true);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        bench_until(bench, id, COMMAND_FAILED);
        assert_non_null(strstr(bench_info(bench, id).error.text, "makes no sense"));
}

/* ---- what is told when nobody is there ---- */

static void advise(struct bench *bench, command_id id, enum wire_advice advice,
                   const char *expected)
{
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ true);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        assert_true(wire_write_u32(&bench->out, WIRE_ADVICE, 0, advice));
        bench_fails(bench, ERR_AUTH, "refused");
        bench_until(bench, id, COMMAND_FAILED);
        if (strstr(bench_info(bench, id).error.text, expected) == NULL)
                fail_msg("%s", bench_info(bench, id).error.text);
}

static void the_instruction_says_the_host_as_the_call_did(void **state)
{
        struct bench *bench = *state;
        struct run_request request = bench_request(bench, NULL, "true");
        char given[64];
        char expected[160];
        command_id id;
        struct err err;

        (void)snprintf(given, sizeof given, "bob@127.0.0.1:%d", bench->port);
        request.session = (struct session_ref){ .host = given };
        assert_true(bench_try(bench, &request, &id, &err));
        (void)snprintf(expected, sizeof expected, "Run `mcp-ssh-session login %s` in a terminal.",
                       given);
        advise(bench, id, WIRE_ADVICE_LOGIN, expected);
        assert_string_equal(engine_last_refused(bench->engine), given);
}

static void what_was_said_apart_stays_apart(void **state)
{
        struct bench *bench = *state;
        char expected[160];
        command_id id = bench_run(bench, NULL, "true");

        (void)snprintf(expected, sizeof expected,
                       "`mcp-ssh-session login 127.0.0.1 --username bob --port %d`", bench->port);
        advise(bench, id, WIRE_ADVICE_LOGIN, expected);
}

/* It has no --username and no --port. */
static void the_command_to_trust_is_one_that_trust_takes(void **state)
{
        struct bench *bench = *state;
        char expected[160];
        command_id id = bench_run(bench, NULL, "true");

        (void)snprintf(expected, sizeof expected, " trust bob@127.0.0.1:%d` in a terminal",
                       bench->port);
        advise(bench, id, WIRE_ADVICE_TRUST, expected);
}

static void a_log_in_that_cannot_ask_is_not_joined(void **state)
{
        struct bench *bench = *state;
        struct person person;
        struct err err;

        (void)bench_run(bench, NULL, "true");
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        assert_false(try_to_connect(bench, &person, &err));
        assert_int_equal(err.code, ERR_STATE);
}

/* What the ProxyCommand has to say is waited for; an answer in that moment changes nothing. */
static void an_answer_after_the_worker_has_failed_keeps_nobody_waiting(void **state)
{
        struct bench *bench = *state;
        struct run_request request = { .session = { .host = "elsewhere" } };
        struct person person = { .watch = { .on_step = on_step,
                                            .on_failure = on_failure,
                                            .arg = &person,
                                            .on_prompt = on_prompt,
                                            .on_moved = on_moved } };
        bool is_ready;
        struct err err;

        write_config(bench);
        assert_true(engine_connect(bench->engine, &request.session, &person.watch,
                                   &person.connection, &is_ready, &err));
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ true);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        ask(bench, &for_password);
        until_asked(bench, &person, 1);
        bench_fails(bench, ERR_CONNECT, "it hung up");
        for (int i = 0; i < 3; i++)
                bench_turn(bench);
        answer(bench, &person, "secret");
        until_over(bench, &person);
        assert_non_null(strstr(person.failure.text, "it hung up"));
}

static void two_persons_do_not_log_in_at_once(void **state)
{
        struct bench *bench = *state;
        struct person first;
        struct person second;
        struct err err;

        (void)begin(bench, &first);
        assert_false(try_to_connect(bench, &second, &err));
        assert_int_equal(err.code, ERR_STATE);
        engine_unwatch(bench->engine, first.connection);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_question_goes_to_the_person_and_the_answer_back),
                TEST(a_question_cannot_be_shown_in_another_order),
                TEST(a_person_who_leaves_has_declined),
                TEST(a_good_password_is_used_again_and_a_refused_one_is_forgotten),
                TEST(a_kept_password_goes_where_it_was_typed_for),
                TEST(what_did_not_prove_good_is_not_kept),
                TEST(a_code_is_never_kept),
                TEST(a_second_question_while_one_is_open_ends_it),
                TEST(a_question_about_a_key_that_was_never_given_ends_it),
                TEST(a_question_before_the_host_was_checked_ends_it),
                TEST(endless_questions_end_it),
                TEST(a_question_where_nobody_was_announced_ends_it),
                TEST(the_instruction_says_the_host_as_the_call_did),
                TEST(what_was_said_apart_stays_apart),
                TEST(the_command_to_trust_is_one_that_trust_takes),
                TEST(a_log_in_that_cannot_ask_is_not_joined),
                TEST(an_answer_after_the_worker_has_failed_keeps_nobody_waiting),
                TEST(two_persons_do_not_log_in_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
