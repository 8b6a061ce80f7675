/*
 * What a worker says is judged as if the host itself had said it: a frame that does not decode,
 * an id that was never given or is another connection's, a message that does not fit the state,
 * all end the connection. An id that was ours and has ended is a message that crossed ours on the
 * way, and is passed over.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/config/algorithms.h"
#include "session/secrecy/remote_text.h"
#include "session/terminal/screens.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_TEXT_MAX       400
#define LOG_LINES_MAX      200 /* from one worker in LOG_WINDOW_MS; the rest is dropped */
#define LOG_WINDOW_MS      10000
#define IDENTIFICATION_MAX 255 /* RFC 4253 4.2 */
#define METHOD_MAX         256

char *connection_host_text(const struct connection *connection, struct str bytes, size_t max)
{
        return remote_text_shown(connection->env->redactor, bytes, max);
}

void connection_break_off(struct connection *connection, const struct frame *frame, const char *why)
{
        struct err err;

        (void)err_set(&err, ERR_PROTOCOL,
                      "its worker sent a message that makes no sense (kind %" PRIu32 ", %s)",
                      frame->kind, why);
        log_warn("%s: %s", connection->name, err.text);
        connection_fail(connection, &err);
}

/* ---- about the connection ---- */

static void on_log(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t level = wire_get_u32(&reader);
        struct str bytes = wire_get_bytes(&reader);
        int64_t now = clock_now_ms();

        if (!wire_read_done(&reader) || level > LOG_TRACE) {
                connection_break_off(connection, frame, "does not decode");
                return;
        }
        if (now - connection->log_window_ms >= LOG_WINDOW_MS) {
                connection->log_window_ms = now;
                connection->log_lines = 0;
        }
        if (++connection->log_lines > LOG_LINES_MAX)
                return;
        scoped_free char *text = connection_host_text(connection, bytes, LOG_TEXT_MAX);
        scoped_free char *shown = connection_shown(connection, text);
        log_write((enum log_level)level, "%s: %s", connection->name,
                  level < LOG_DEBUG ? shown : text);
}

static void on_sandbox(struct connection *connection, const struct frame *frame)
{
        static const struct {
                uint32_t bit;
                const char *name;
        } parts[] = { { WIRE_SANDBOX_NO_NEW_PRIVS, "no_new_privs" },
                      { WIRE_SANDBOX_LANDLOCK, "Landlock" },
                      { WIRE_SANDBOX_SECCOMP, "seccomp" },
                      { WIRE_SANDBOX_RLIMITS, "resource limits" } };
        struct wire_reader reader = wire_read(frame);
        uint32_t in_force = wire_get_u32(&reader);

        if (!wire_read_done(&reader)) {
                connection_break_off(connection, frame, "does not decode");
                return;
        }
        char *sandbox = connection->env->sandbox;
        sandbox[0] = 0;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
                size_t len = strlen(sandbox);
                if ((in_force & parts[i].bit) != 0)
                        (void)snprintf(sandbox + len, SANDBOX_TEXT_MAX - len, "%s%s",
                                       len > 0 ? ", " : "", parts[i].name); /* fits: four names */
                if (((in_force | connection->env->sandbox_missing) & parts[i].bit) != 0)
                        continue;
                connection->env->sandbox_missing |= parts[i].bit;
                log_warn("this system has no %s: workers run without that part of their sandbox",
                         parts[i].name);
        }
}

static void on_host_key(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        (void)wire_get_bytes(&reader); /* the type: the blob says it itself */
        struct str blob = wire_get_bytes(&reader);

        if (!wire_read_done(&reader) || blob.len == 0 || blob.len > KEY_BLOB_MAX)
                connection_break_off(connection, frame, "does not decode");
        else if (connection->state != CONNECTION_KEX || connection->host_key_shown.len > 0)
                connection_break_off(connection, frame, "not now");
        else
                connection_on_host_key(connection, blob);
}

static void on_ready(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        struct str server = wire_get_bytes(&reader);
        struct str method = wire_get_bytes(&reader);
        struct str algorithms = wire_get_bytes(&reader);

        if (!wire_read_done(&reader) || connection->state != CONNECTION_AUTH) {
                connection_break_off(connection, frame, "not now, or does not decode");
                return;
        }
        free(connection->server);
        free(connection->auth_method);
        connection->server = connection_host_text(connection, server, IDENTIFICATION_MAX);
        scoped_free char *auth_method = connection_host_text(connection, method, METHOD_MAX);
        connection->auth_method = connection_shown(connection, auth_method);
        free(connection->legacy);
        connection->legacy = algorithms_legacy(algorithms);
        connection_set_state(connection, CONNECTION_READY);
        connection_set_deadline(connection, -1);
        connection_drop_setup(connection); /* the agent above all */
        auth_limits_succeeded(connection->env->auth_limits, connection->limit_key);
        backoff_succeeded(connection->env->backoff, connection->limit_key);
        connection_tell_step(connection, CONNECT_STEP_LOG_IN, connection->auth_method);
        log_info("%s: connected to %s by %s", connection->name, connection->server,
                 connection->auth_method);
        connection_run_waiting(connection);
        if (connection_is_live(connection))
                connection->env->on_ready(connection->env->arg, connection);
}

static void on_progress(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t kind = wire_get_u32(&reader);
        struct str text = wire_get_bytes(&reader);

        if (!wire_read_done(&reader) || kind >= WIRE_PROGRESS_KINDS) {
                connection_break_off(connection, frame, "does not decode");
                return;
        }
        scoped_free char *shown = remote_text(text, IDENTIFICATION_MAX);
        if (kind == WIRE_PROGRESS_TRIED && connection->state == CONNECTION_AUTH)
                connection_tell_attempt(connection, shown);
        if (kind == WIRE_PROGRESS_BANNER && connection->state == CONNECTION_KEX) {
                connection->has_identified = true;
                connection_tell_step(connection, CONNECT_STEP_BANNER, shown);
        }
}

/* ---- about the log-in ---- */

static void on_prompt(struct connection *connection, const struct frame *frame)
{
        struct wire_prompt prompt;

        if (!wire_read_prompt(frame, &prompt) || !connection_on_prompt(connection, &prompt))
                connection_break_off(connection, frame, "not now, or does not decode");
}

static void on_secret(struct connection *connection, const struct frame *frame)
{
        struct wire_secret secret;

        if (!wire_read_secret(frame, &secret) || !connection_on_secret(connection, &secret))
                connection_break_off(connection, frame, "not now, or does not decode");
}

static void on_advice(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t advice = wire_get_u32(&reader);

        if (!wire_read_done(&reader) || advice >= WIRE_ADVICE_KINDS
            || connection->state != CONNECTION_AUTH)
                connection_break_off(connection, frame, "not now, or does not decode");
        else
                connection->login.advice = (enum wire_advice)advice;
}

static bool is_connecting_error(uint32_t code)
{
        switch (code) {
        case ERR_CONNECT:
        case ERR_AUTH:
        case ERR_HOST_KEY:
        case ERR_REMOTE:
        case ERR_PROTOCOL:
        case ERR_SYSTEM:
        case ERR_TIMEOUT: return true;
        default: /* a number from a worker, not our enum */ return false;
        }
}

static void on_failed(struct connection *connection, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t code = wire_get_u32(&reader);
        struct str bytes = wire_get_bytes(&reader);
        struct err err;

        if (!wire_read_done(&reader)) {
                connection_break_off(connection, frame, "does not decode");
                return;
        }
        scoped_free char *text = connection_host_text(connection, bytes, ERR_TEXT_MAX / 2);
        (void)err_set(&err, is_connecting_error(code) ? (enum err_code)code : ERR_CONNECT, "%s",
                      text[0] != 0 ? text : "the connection failed");
        if (connection->state == CONNECTION_AUTH && err.code == ERR_AUTH) {
                scoped_free char *not_tried = identities_not_tried(&connection->identities);
                scoped_free char *advice = connection_advice(connection);
                (void)err_set(&err, ERR_AUTH, "%s%s. %s", text, not_tried, advice);
        }
        if (connection->state != CONNECTION_READY)
                (void)err_context(&err, "cannot connect to %s", connection->name);
        connection_fail_with_words(connection, &err);
}

/* ---- all of them ---- */

static void on_screen_part(struct connection *connection, const struct frame *frame)
{
        struct screens *screens = connection->env->screens;

        if (frame->kind == WIRE_SCREEN ? !screens_on_screen(screens, connection->id, frame)
                                       : !screens_on_row(screens, connection->id, frame))
                connection_break_off(connection, frame, "not now, or does not decode");
}

static void dispatch(struct connection *connection, const struct frame *frame)
{
        switch (frame->kind) {
        case WIRE_LOG: on_log(connection, frame); return;
        case WIRE_SANDBOX: on_sandbox(connection, frame); return;
        case WIRE_HOST_KEY: on_host_key(connection, frame); return;
        case WIRE_PROGRESS: on_progress(connection, frame); return;
        case WIRE_READY: on_ready(connection, frame); return;
        case WIRE_FAILED: on_failed(connection, frame); return;
        case WIRE_PROMPT: on_prompt(connection, frame); return;
        case WIRE_SECRET: on_secret(connection, frame); return;
        case WIRE_ADVICE: on_advice(connection, frame); return;
        case WIRE_SCREEN_ROW:
        case WIRE_SCREEN: on_screen_part(connection, frame); return;
        case WIRE_FORWARD_OPENED: connection_on_forward_opened(connection, frame); return;
        case WIRE_FORWARD_ENDED: connection_on_forward_ended(connection, frame); return;
        default: /* a number from a worker, not our enum */
                if (!connection_on_run_frame(connection, frame))
                        connection_break_off(connection, frame, "unknown");
                return;
        }
}

void connection_on_frame(void *arg, const struct frame *frame)
{
        struct connection *connection = arg;

        if (connection_is_live(connection) && connection->held == NULL)
                dispatch(connection, frame);
}

void connection_on_postbox_end(void *arg, enum postbox_end end)
{
        struct connection *connection = arg;
        struct err err;

        postbox_free(connection->postbox);
        connection->postbox = NULL;
        if (!connection_is_live(connection) || connection->held != NULL)
                return;
        if (end == POSTBOX_GARBAGE) {
                (void)err_set(&err, ERR_PROTOCOL, "its worker sent bytes that make no sense");
                connection_fail(connection, &err);
        } else if (connection->has_ended) {
                connection_lose_worker(connection);
        } else {
                /* those behind it see it at the same time; this is the reason */
                (void)err_set(&err, ERR_SYSTEM, "its worker process has ended");
                connection->env->on_end(connection->env->arg, connection, &err);
                connection_set_deadline(connection, CONNECTION_WORKER_END_MS);
        }
}
