/*
 * The engine against a worker played by the test: what a client sees for what a worker says.
 */
#include "fake_worker.h"

#include "base/clock.h"
#include "session/connection.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A shell that is ready and a command that runs in it. */
static command_id begin(struct bench *bench, const char *text, uint64_t *out_shell)
{
        uint64_t shell;
        command_id id = bench_run(bench, NULL, text);

        bench_log_in(bench);
        *out_shell = bench_open_shell(bench);
        assert_int_equal(bench_expect_run(bench, &shell, text), id.n);
        assert_int_equal(shell, *out_shell);
        bench_started(bench, id.n);
        bench_until(bench, id, COMMAND_RUNNING);
        return id;
}

static void a_command_runs_from_start_to_end(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "echo hello", &shell);

        bench_prints(bench, id.n, "hel");
        bench_prints(bench, id.n, "lo\n");
        bench_ends(bench, id.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, id, COMMAND_DONE);
        bench_output_is(bench, id, "hello\n");
        struct command_info info = bench_info(bench, id);
        assert_true(info.status_known);
        assert_int_equal(info.exit_status, 0);
        assert_true(info.new_shell);
        assert_string_equal(info.notes, "");
        char name[64];
        (void)snprintf(name, sizeof name, "bob@127.0.0.1:%d", bench->port);
        assert_string_equal(info.session, name);
        assert_int_equal(strlen(info.name), 36);
        assert_int_equal(engine_find(bench->engine, info.name).n, id.n);
}

static void a_second_command_uses_the_same_shell(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        uint64_t again;
        command_id first = begin(bench, "true", &shell);

        bench_ends(bench, first.n, WIRE_HOW_EXITED, 1);
        bench_until(bench, first, COMMAND_DONE);
        command_id second = bench_run(bench, NULL, "id");
        assert_int_equal(bench_expect_run(bench, &again, "id"), second.n);
        assert_int_equal(again, shell);
        assert_false(bench_info(bench, second).new_shell);
        assert_int_equal(bench_info(bench, first).exit_status, 1);
}

static void a_busy_shell_names_the_command_that_holds_it(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id first = begin(bench, "sleep 9", &shell);
        struct run_request request = bench_request(bench, "", "id");
        command_id id = { 0 };
        command_id busy = { 0 };
        struct err err;

        assert_false(engine_run(bench->engine, &request, &id, &busy, &err));
        assert_int_equal(err.code, ERR_STATE);
        assert_int_equal(busy.n, first.n);
        assert_int_equal(bench_info(bench, first).state, COMMAND_RUNNING);
}

static void a_connection_lost_in_the_middle_is_never_a_success(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "make", &shell);

        bench_prints(bench, id.n, "half\n");
        assert_true(wire_write_bytes(&bench->out, WIRE_PARTIAL, id.n, "a li", 4));
        bench_send(bench);
        bench_fails(bench, ERR_CONNECT, "the host closed the connection");
        bench_until(bench, id, COMMAND_LOST);
        struct command_info info = bench_info(bench, id);
        assert_false(info.status_known);
        assert_string_equal(info.reason, "connection lost: the host closed the connection");
        bench_output_is(bench, id, "half\na li");
}

static void a_command_that_was_not_sent_yet_gets_another_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id first = begin(bench, "true", &shell);

        bench_ends(bench, first.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, first, COMMAND_DONE);
        command_id next = bench_run(bench, "other", "id");
        (void)bench_expect(bench, WIRE_SHELL_OPEN);
        (void)bench_expect_run(bench, &shell,
                               "id"); /* it would wait for the prompt in the worker */
        bench_fails(bench, ERR_CONNECT, "gone");
        bench_log_in(bench); /* to a second worker, for the same command */
        (void)bench_open_shell(bench);
        assert_int_equal(bench_expect_run(bench, &shell, "id"), next.n);
        bench_fails(bench, ERR_CONNECT, "gone again");
        bench_until(bench, next, COMMAND_LOST);
}

static void a_dead_worker_loses_its_command_and_the_next_is_told(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "make", &shell);

        bench_dies(bench, 11);
        bench_until(bench, id, COMMAND_LOST);
        assert_non_null(strstr(bench_info(bench, id).reason, "killed by signal 11"));
        command_id next = bench_run(bench, NULL, "pwd");
        bench_log_in(bench);
        (void)bench_open_shell(bench);
        assert_int_equal(bench_expect_run(bench, &shell, "pwd"), next.n);
        assert_non_null(
                strstr(bench_info(bench, next).notes, "the earlier shell of this session is gone"));
        bench_started(bench, next.n);
        bench_ends(bench, next.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, next, COMMAND_DONE);
        command_id third = bench_run(bench, NULL, "pwd");
        assert_string_equal(bench_info(bench, third).notes, ""); /* told once */
}

static void a_shell_that_went_with_its_command_is_opened_anew(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "exit 3", &shell);
        struct wire_end end = { .how = WIRE_HOW_EXITED, .status = 3, .shell_gone = 1 };

        assert_true(wire_write_end(&bench->out, WIRE_ENDED, id.n, &end));
        assert_true(wire_write_end(&bench->out, WIRE_SHELL_ENDED, shell, &end));
        bench_send(bench);
        bench_until(bench, id, COMMAND_DONE);
        assert_int_equal(bench_info(bench, id).exit_status, 3);
        command_id next = bench_run(bench, NULL, "pwd");
        uint64_t fresh = bench_open_shell(bench);
        assert_int_not_equal(fresh, shell);
        assert_int_equal(bench_expect_run(bench, &shell, "pwd"), next.n);
        assert_int_equal(shell, fresh);
        assert_non_null(strstr(bench_info(bench, next).notes, "exit 3"));
}

static void a_command_runs_inside_a_nested_shell(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        uint64_t in_shell;
        command_id outer = begin(bench, "su -", &shell);

        bench_awaits(bench, outer.n, WIRE_AWAITING_SHELL, "bash");
        bench_until(bench, outer, COMMAND_AWAITING);
        command_id inner = bench_run(bench, NULL, "id");
        assert_int_equal(bench_expect_run(bench, &in_shell, "id"), inner.n);
        assert_int_equal(in_shell, shell);
        bench_started(bench, inner.n);
        bench_until(bench, inner, COMMAND_RUNNING);
        struct run_request request = bench_request(bench, NULL, "w");
        command_id id;
        struct err err;
        assert_false(bench_try(bench, &request, &id, &err)); /* the inner one holds it now */
        assert_int_equal(err.code, ERR_STATE);
        bench_ends(bench, inner.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, inner, COMMAND_DONE);
        assert_int_equal(bench_info(bench, outer).state, COMMAND_AWAITING);
        bench_ends(bench, outer.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, outer, COMMAND_DONE);
}

static void input_makes_an_awaiting_command_run_again(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        struct err err;
        command_id id = begin(bench, "read x", &shell);

        bench_awaits(bench, id.n, WIRE_AWAITING_LINE, "name? ");
        bench_until(bench, id, COMMAND_AWAITING);
        assert_string_equal(bench_info(bench, id).question, "name? ");
        assert_true(engine_input(bench->engine, id, "x\r", 2, &err));
        assert_int_equal(bench_info(bench, id).state, COMMAND_RUNNING);
        struct frame typed = bench_expect(bench, WIRE_INPUT);
        assert_int_equal(typed.id, id.n);
        struct session_ref session = { .host = "127.0.0.1" }; /* found without user and port */
        command_id gets = { 0 };
        assert_true(engine_session_input(bench->engine, &session, "y", 1, &gets, &err));
        assert_int_equal(gets.n, id.n);
        assert_int_equal(bench_expect(bench, WIRE_INPUT).id, id.n);
}

static void an_isolated_command_has_two_streams_and_no_shell(void **state)
{
        struct bench *bench = *state;
        struct run_request request = bench_request(bench, NULL, "ls");
        uint64_t shell;
        command_id id;
        struct err err;
        char got[16];
        uint64_t skipped;

        request.isolated = true;
        assert_true(bench_try(bench, &request, &id, &err));
        bench_log_in(bench);
        assert_int_equal(bench_expect_run(bench, &shell, "ls"), id.n);
        assert_int_equal(shell, 0);
        bench_started(bench, id.n);
        assert_true(wire_write_u32_bytes(&bench->out, WIRE_OUTPUT, id.n, 2, "bad\n", 4));
        struct wire_end end = { .how = WIRE_HOW_SIGNALED, .status = -1, .signal = str_of("KILL") };
        assert_true(wire_write_end(&bench->out, WIRE_ENDED, id.n, &end));
        bench_send(bench);
        bench_until(bench, id, COMMAND_DONE);
        struct command_info info = bench_info(bench, id);
        assert_string_equal(info.signal, "KILL");
        assert_false(info.status_known);
        assert_int_equal(output_read(info.err, 0, got, sizeof got, &skipped), 4);
        assert_int_equal(output_total(info.out), 0);
}

/* What the worker is told of an elevated command; the password must come before the text. */
static void expect_sudo(struct bench *bench, const char *text, uint32_t own_at, const char *password)
{
        assert_int_equal(bench_expect(bench, WIRE_RUN_BEGIN).kind, WIRE_RUN_BEGIN);
        struct frame frame = bench_expect(bench, WIRE_RUN_SUDO);
        struct wire_sudo sudo;

        assert_true(wire_read_sudo(&frame, &sudo));
        assert_int_equal(sudo.own_at, own_at);
        assert_true(str_is(sudo.password, password));
        frame = bench_expect(bench, WIRE_RUN_TEXT);
        struct wire_reader reader = wire_read(&frame);
        assert_true(str_is(wire_get_bytes(&reader), text));
        assert_int_equal(bench_expect(bench, WIRE_RUN_GO).kind, WIRE_RUN_GO);
}

static void an_elevated_command_brings_its_password(void **state)
{
        struct bench *bench = *state;
        struct run_request request = bench_request(bench, NULL, "id | cat");
        command_id id;
        struct err err;

        request.sudo_password = "hunter2!";
        request.isolated = true;
        assert_true(bench_try(bench, &request, &id, &err));
        bench_log_in(bench);
        expect_sudo(bench, "id | cat", 0, "hunter2!");
        bench_started(bench, id.n);
        bench_ends(bench, id.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, id, COMMAND_DONE);
        request.text = "sudo -n id";
        request.text_len = strlen(request.text);
        request.sudo_password = NULL;
        assert_true(bench_try(bench, &request, &id, &err));
        expect_sudo(bench, "sudo -n id", 4, ""); /* a call's password is that call's alone */
}

static void a_sudo_password_that_cannot_be_typed_is_refused(void **state)
{
        struct bench *bench = *state;
        struct run_request request = bench_request(bench, NULL, "id");
        command_id id;
        struct err err;

        request.sudo_password = "hunter\0012";
        assert_false(bench_try(bench, &request, &id, &err));
        assert_int_equal(err.code, ERR_INPUT);
}

static void an_unknown_host_key_kills_the_worker_and_says_what_to_do(void **state)
{
        struct bench *bench = *state;
        command_id id = bench_run(bench, NULL, "id");

        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ false);
        bench_until(bench, id, COMMAND_FAILED);
        struct command_info info = bench_info(bench, id);
        assert_int_equal(info.error.code, ERR_HOST_KEY);
        assert_non_null(strstr(info.error.text, "SHA256:"));
        assert_non_null(strstr(info.error.text, "known_hosts:1"));
        assert_non_null(strstr(info.error.text, "ssh-keygen -R"));
}

/* Its known_hosts file is .ssh/new, which is not there. */
static void forget_the_host(const struct bench *bench, const char *policy)
{
        char path[128];

        (void)snprintf(path, sizeof path, "%s/.ssh/config", bench->home);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file,
                      "UserKnownHostsFile %s/.ssh/new\nGlobalKnownHostsFile /dev/null\n"
                      "StrictHostKeyChecking %s\n",
                      bench->home, policy);
        assert_int_equal(fclose(file), 0);
}

static bool has_new_file(const struct bench *bench)
{
        char path[128];

        (void)snprintf(path, sizeof path, "%s/.ssh/new", bench->home);
        return access(path, F_OK) == 0;
}

static void a_new_host_key_is_written_down_and_the_worker_is_told_that_it_is_new(void **state)
{
        struct bench *bench = *state;

        forget_the_host(bench, "accept-new");
        command_id id = bench_run(bench, NULL, "id");
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ false);
        struct frame frame = bench_expect(bench, WIRE_HOST_KEY_OK);
        struct wire_reader reader = wire_read(&frame);
        assert_int_equal(wire_get_u32(&reader), WIRE_HOST_KEY_NEW);
        assert_true(has_new_file(bench));
        bench_fails(bench, ERR_AUTH, "publickey was refused");
        bench_until(bench, id, COMMAND_FAILED);
        assert_non_null(strstr(bench_info(bench, id).notes, "was added to"));
        id = bench_run(bench, NULL, "id");
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ false);
        frame = bench_expect(bench, WIRE_HOST_KEY_OK);
        reader = wire_read(&frame);
        assert_int_equal(wire_get_u32(&reader), 0);
        assert_string_equal(bench_info(bench, id).notes, "");
}

struct viewer {
        unsigned shown;
        bool is_new;
        struct err why;
};

static void on_step(void *arg, enum connect_step step, const char *text)
{
        (void)arg;
        assert_true(step < CONNECT_STEP_LOG_IN);
        assert_non_null(text);
}

static void on_failure(void *arg, enum connect_step step, const struct err *why)
{
        struct viewer *viewer = arg;

        (void)step;
        viewer->why = *why;
}

static void on_host_key(void *arg, const struct host_key_shown *shown)
{
        struct viewer *viewer = arg;

        viewer->shown++;
        viewer->is_new = shown->known_by == NULL;
        assert_string_equal(shown->type, "ssh-ed25519");
        assert_string_equal(shown->address, "127.0.0.1");
        assert_true(strncmp(shown->fingerprint, "SHA256:", 7) == 0);
}

static uint64_t look_at_key(struct bench *bench, const struct connection_watch *watch)
{
        const struct run_request request = bench_request(bench, NULL, "");
        const struct viewer *viewer = watch->arg;
        struct err err;
        bool is_ready;
        uint64_t id;

        assert_true(engine_connect(bench->engine, &request.session, watch, &id, &is_ready, &err));
        assert_false(is_ready);
        assert_false(engine_add_host_key(bench->engine, id, &err)); /* none was shown yet */
        assert_int_equal(err.code, ERR_STATE);
        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ false);
        for (int64_t end = clock_now_ms() + BENCH_LIMIT_MS; viewer->shown == 0;) {
                bench_turn(bench);
                assert_true(clock_now_ms() < end);
        }
        return id;
}

static void who_watches_decides_about_a_new_host_key(void **state)
{
        struct bench *bench = *state;
        struct viewer viewer = { 0 };
        const struct connection_watch watch = { .on_step = on_step,
                                                .on_failure = on_failure,
                                                .on_host_key = on_host_key,
                                                .arg = &viewer };
        struct err err;

        forget_the_host(bench, "yes");
        uint64_t id = look_at_key(bench, &watch);
        assert_true(viewer.is_new);
        assert_false(has_new_file(bench));
        assert_true(engine_add_host_key(bench->engine, id, &err));
        assert_true(has_new_file(bench));
        struct pollfd frames = { .fd = bench->frames, .events = POLLIN };
        assert_int_equal(poll(&frames, 1, 0), 0); /* no WIRE_HOST_KEY_OK: nothing logs in */
        engine_unwatch(bench->engine, id);
}

static void a_second_host_key_while_a_person_looks_ends_the_connection(void **state)
{
        struct bench *bench = *state;
        struct viewer viewer = { 0 };
        const struct connection_watch watch = { .on_step = on_step,
                                                .on_failure = on_failure,
                                                .on_host_key = on_host_key,
                                                .arg = &viewer };
        struct err err;

        forget_the_host(bench, "yes");
        uint64_t id = look_at_key(bench, &watch);
        bench_shows_key(bench, /* is_known= */ true);
        for (int64_t end = clock_now_ms() + BENCH_LIMIT_MS; viewer.why.code == ERR_NONE;) {
                bench_turn(bench);
                assert_true(clock_now_ms() < end);
        }
        assert_int_equal(viewer.why.code, ERR_PROTOCOL);
        assert_int_equal(viewer.shown, 1);
        assert_false(engine_add_host_key(bench->engine, id, &err));
        assert_false(has_new_file(bench));
}

static void a_refused_log_in_names_the_keys_that_were_not_tried(void **state)
{
        struct bench *bench = *state;

        bench_write_key(bench, "id_rsa", 0644);
        bench_write_key(bench, "id_ed25519", 0600);
        command_id id = bench_run(bench, NULL, "id");
        bench_accept(bench);
        struct frame frame = bench_expect(bench, WIRE_KEY);
        struct wire_reader reader = wire_read(&frame);
        assert_true(str_is(wire_get_bytes(&reader), "~/.ssh/id_ed25519"));
        assert_true(str_starts(wire_get_bytes(&reader), "-----BEGIN"));
        (void)bench_expect(bench, WIRE_CONNECT);
        bench_shows_key(bench, /* is_known= */ true);
        (void)bench_expect(bench, WIRE_HOST_KEY_OK);
        bench_fails(bench, ERR_AUTH, "publickey was refused");
        bench_until(bench, id, COMMAND_FAILED);
        assert_non_null(strstr(bench_info(bench, id).error.text,
                               "publickey was refused; not tried: ~/.ssh/id_rsa"));
}

static void three_failed_log_ins_are_enough(void **state)
{
        struct bench *bench = *state;
        command_id id;

        for (int i = 0; i < AUTH_FAILURES_MAX; i++) {
                id = bench_run(bench, NULL, "id");
                bench_accept(bench);
                (void)bench_expect(bench, WIRE_CONNECT);
                bench_shows_key(bench, /* is_known= */ true);
                (void)bench_expect(bench, WIRE_HOST_KEY_OK);
                bench_fails(bench, ERR_AUTH, "password was refused");
                bench_until(bench, id, COMMAND_FAILED);
                assert_int_equal(bench_info(bench, id).error.code, ERR_AUTH);
        }
        id = bench_run(bench, NULL, "id");
        bench_until(bench, id, COMMAND_FAILED);
        assert_int_equal(bench_info(bench, id).error.code, ERR_AUTH);
        assert_non_null(strstr(bench_info(bench, id).error.text, "not tried again"));
}

static void a_refused_connection_names_host_and_port(void **state)
{
        struct bench *bench = *state;
        struct run_request request = bench_request(bench, NULL, "id");
        command_id id;
        struct err err;

        request.session.port = 1; /* nobody listens there */
        assert_true(bench_try(bench, &request, &id, &err));
        bench_until(bench, id, COMMAND_FAILED);
        assert_int_equal(bench_info(bench, id).error.code, ERR_CONNECT);
        assert_non_null(strstr(bench_info(bench, id).error.text, "127.0.0.1 port 1"));
}

/* ---- hostile workers ---- */

static void expect_protocol_error(struct bench *bench, command_id id)
{
        bench_until(bench, id, COMMAND_LOST);
        assert_non_null(strstr(bench_info(bench, id).reason, "no sense"));
}

static void output_for_a_command_that_never_was_ends_the_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "id", &shell);

        bench_prints(bench, id.n + 77, "x");
        expect_protocol_error(bench, id);
}

static void a_second_start_ends_the_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "id", &shell);

        bench_started(bench, id.n);
        expect_protocol_error(bench, id);
}

static void an_unknown_kind_ends_the_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "id", &shell);

        assert_true(wire_write_bare(&bench->out, (enum wire_kind)999, 0));
        bench_send(bench);
        expect_protocol_error(bench, id);
}

static void a_bad_enum_ends_the_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id id = begin(bench, "id", &shell);

        bench_awaits(bench, id.n, WIRE_AWAITING_KINDS, "?");
        expect_protocol_error(bench, id);
}

static void bytes_that_are_no_frames_end_the_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        uint8_t garbage[64];
        command_id id = begin(bench, "id", &shell);

        memset(garbage, 0xFF, sizeof garbage);
        assert_true(buf_append(&bench->out, garbage, sizeof garbage));
        bench_send(bench);
        expect_protocol_error(bench, id);
}

static void a_worker_that_is_ready_before_its_host_was_checked_is_ended(void **state)
{
        struct bench *bench = *state;
        command_id id = bench_run(bench, NULL, "id");

        bench_accept(bench);
        (void)bench_expect(bench, WIRE_CONNECT);
        assert_true(wire_write_ready(&bench->out, str_of("x"), str_of("none"), str_of("")));
        bench_send(bench);
        bench_until(bench, id, COMMAND_FAILED);
        assert_int_equal(bench_info(bench, id).error.code, ERR_PROTOCOL);
}

/* ---- sessions ---- */

struct seen {
        unsigned count;
        char names[4][80];
};

static bool note_session(void *arg, const struct session_info *info)
{
        struct seen *seen = arg;

        assert_true(seen->count < 4);
        (void)snprintf(seen->names[seen->count++], sizeof seen->names[0], "%s", info->name);
        return true;
}

static void closing_a_session_interrupts_what_runs_there(void **state)
{
        struct bench *bench = *state;
        struct session_ref session = { .host = "127.0.0.1" };
        struct seen seen = { 0 };
        unsigned closed = 0;
        uint64_t shell;
        struct err err;
        command_id id = begin(bench, "sleep 9", &shell);

        (void)bench_run(bench, "other", "id");
        engine_each_session(bench->engine, note_session, &seen);
        assert_int_equal(seen.count, 2);
        assert_non_null(strstr(seen.names[1], "/other"));
        assert_true(engine_close_session(bench->engine, &session, &closed, &err));
        assert_int_equal(closed, 1);
        assert_int_equal(bench_info(bench, id).state, COMMAND_INTERRUPTED);
        (void)bench_expect(bench, WIRE_SHELL_OPEN); /* of "other" */
        (void)bench_expect_run(bench, &shell, "id");
        (void)bench_expect(bench, WIRE_STOP);
        assert_true(engine_close_session(bench->engine, &session, &closed, &err));
        assert_int_equal(closed, 0);
}

static void a_ninth_shell_is_refused(void **state)
{
        struct bench *bench = *state;
        struct err err;
        char name[16];
        command_id id;

        for (int i = 0; i < CHANNELS_MAX; i++) {
                (void)snprintf(name, sizeof name, "s%d", i);
                (void)bench_run(bench, name, "id");
        }
        struct run_request request = bench_request(bench, "one-more", "id");
        assert_false(bench_try(bench, &request, &id, &err));
        assert_int_equal(err.code, ERR_LIMIT);
        assert_non_null(strstr(err.text, "close_session"));
}

static void two_names_of_one_machine_share_a_connection(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        command_id first = begin(bench, "true", &shell);
        char host[64];

        bench_ends(bench, first.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, first, COMMAND_DONE);
        (void)snprintf(host, sizeof host, "bob@127.0.0.1:%d", bench->port);
        struct run_request request = { .session = { .host = host }, .text = "id", .text_len = 2 };
        command_id id;
        struct err err;
        assert_true(bench_try(bench, &request, &id, &err));
        assert_int_equal(bench_expect_run(bench, &shell, "id"), id.n); /* on the same worker */
}

static void other_credentials_get_a_connection_of_their_own(void **state)
{
        struct bench *bench = *state;
        uint64_t shell;
        struct run_request request = bench_request(bench, NULL, "id");
        command_id id;
        struct err err;

        command_id first = begin(bench, "true", &shell);
        bench_ends(bench, first.n, WIRE_HOW_EXITED, 0);
        bench_until(bench, first, COMMAND_DONE);
        request.password = "hunter2";
        assert_true(bench_try(bench, &request, &id, &err));
        bench_accept(bench);
        struct frame frame = bench_expect(bench, WIRE_CONNECT);
        struct wire_connect connect;
        assert_true(wire_read_connect(&frame, &connect));
        assert_true(str_is(connect.password, "hunter2"));
        assert_true(str_is(connect.user, "bob"));
}

static void bad_requests_are_refused_at_once(void **state)
{
        struct bench *bench = *state;
        struct run_request request = bench_request(bench, NULL, " \n\t ");
        command_id id;
        struct err err;

        assert_false(bench_try(bench, &request, &id, &err));
        assert_int_equal(err.code, ERR_INPUT);
        request.text = "a\0b";
        request.text_len = 3;
        assert_false(bench_try(bench, &request, &id, &err));
        assert_int_equal(err.code, ERR_INPUT);
        request.text_len = 1;
        request.session.host = "-oProxyCommand=x";
        assert_false(bench_try(bench, &request, &id, &err));
        assert_int_equal(err.code, ERR_INPUT);
}

static void a_dead_zygote_is_told(void **state)
{
        struct bench *bench = *state;
        command_id id;

        assert_int_equal(shutdown(bench->zygote, SHUT_RDWR), 0);
        bench->zygote_is_there = false;
        id = bench_run(bench, NULL, "id");
        bench_until(bench, id, COMMAND_FAILED);
        assert_int_equal(bench_info(bench, id).error.code, ERR_SYSTEM);
}

struct waited {
        unsigned count;
        enum wait_reason last;
};

static void on_waited(void *arg, wait_id wait, command_id id, enum wait_reason reason)
{
        struct waited *waited = arg;

        (void)wait;
        (void)id;
        waited->count++;
        waited->last = reason;
}

static void a_wait_ends_exactly_once(void **state)
{
        struct bench *bench = *state;
        struct waited waited = { 0 };
        struct wait_spec spec = { .deadline_ms = clock_now_ms() + BENCH_LIMIT_MS };
        uint64_t shell;
        command_id id = begin(bench, "true", &shell);

        wait_id wait = engine_wait(bench->engine, id, &spec, on_waited, &waited);
        bench_ends(bench, id.n, WIRE_HOW_EXITED, 0);
        int64_t deadline = clock_now_ms() + BENCH_LIMIT_MS;
        while (waited.count == 0 && clock_now_ms() < deadline)
                bench_turn(bench);
        assert_int_equal(waited.count, 1);
        assert_int_equal(waited.last, WAIT_ENDED);
        engine_wait_cancel(bench->engine, wait); /* late: harmless */
        bench_turn(bench);
        assert_int_equal(waited.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_command_runs_from_start_to_end),
                TEST(a_second_command_uses_the_same_shell),
                TEST(a_busy_shell_names_the_command_that_holds_it),
                TEST(a_connection_lost_in_the_middle_is_never_a_success),
                TEST(a_command_that_was_not_sent_yet_gets_another_connection),
                TEST(a_dead_worker_loses_its_command_and_the_next_is_told),
                TEST(a_shell_that_went_with_its_command_is_opened_anew),
                TEST(a_command_runs_inside_a_nested_shell),
                TEST(input_makes_an_awaiting_command_run_again),
                TEST(an_isolated_command_has_two_streams_and_no_shell),
                TEST(an_elevated_command_brings_its_password),
                TEST(a_sudo_password_that_cannot_be_typed_is_refused),
                TEST(an_unknown_host_key_kills_the_worker_and_says_what_to_do),
                TEST(a_new_host_key_is_written_down_and_the_worker_is_told_that_it_is_new),
                TEST(who_watches_decides_about_a_new_host_key),
                TEST(a_second_host_key_while_a_person_looks_ends_the_connection),
                TEST(a_refused_log_in_names_the_keys_that_were_not_tried),
                TEST(three_failed_log_ins_are_enough),
                TEST(a_refused_connection_names_host_and_port),
                TEST(output_for_a_command_that_never_was_ends_the_connection),
                TEST(a_second_start_ends_the_connection),
                TEST(an_unknown_kind_ends_the_connection),
                TEST(a_bad_enum_ends_the_connection),
                TEST(bytes_that_are_no_frames_end_the_connection),
                TEST(a_worker_that_is_ready_before_its_host_was_checked_is_ended),
                TEST(closing_a_session_interrupts_what_runs_there),
                TEST(a_ninth_shell_is_refused),
                TEST(two_names_of_one_machine_share_a_connection),
                TEST(other_credentials_get_a_connection_of_their_own),
                TEST(bad_requests_are_refused_at_once),
                TEST(a_dead_zygote_is_told),
                TEST(a_wait_ends_exactly_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
