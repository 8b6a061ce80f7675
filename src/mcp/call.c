#include "mcp/call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static void call_free(struct call *call)
{
        list_remove(&call->node);
        if (call->wait.n != 0)
                engine_wait_cancel(call->engine, call->wait);
        if (call->screen != 0)
                engine_cancel_screen(call->engine, call->screen);
        seek_free(call->seek); /* after the wait, which borrows it */
        progress_fini(&call->progress);
        json_decref(call->arguments);
        free(call);
}

void call_start(struct list_node *calls, const struct call_spec *spec)
{
        struct call *call = xcalloc(1, sizeof *call);
        struct err err = { 0 };

        list_append(calls, &call->node);
        call->engine = spec->engine;
        call->requests = spec->requests;
        call->request = spec->request;
        call->tool = spec->tool;
        call->arguments = json_incref(spec->arguments);
        call->started_ms = clock_now_ms();
        progress_init(&call->progress, spec->progress_token);
        if (!inline_secrets_take(call->engine, spec->inline_secrets, call->arguments, &err)
            || !args_check(&call->args, call->tool, call->arguments, &err)) {
                call_fail(&call, &err);
                return;
        }
        call->tool->run(call);
}

static struct call *find(struct list_node *calls, request_id request)
{
        list_each(at, calls) {
                struct call *call = list_entry(at, struct call, node);

                if (call->request.n == request.n)
                        return call;
        }
        return NULL;
}

void calls_cancel(struct list_node *calls, request_id request, const char *reason)
{
        struct call *call = find(calls, request);

        if (call == NULL)
                return;
        if (call->tool->cancel != NULL)
                call->tool->cancel(call, reason);
        requests_cancel(call->requests, call->request);
        call_free(call);
}

void calls_free(struct list_node *calls)
{
        list_each(at, calls)
                call_free(list_entry(at, struct call, node));
}

void call_reply(struct call **call, json_t **result)
{
        (void)requests_reply((*call)->requests, (*call)->request, ANSWER_PLAIN, result);
        call_free(*call);
        *call = NULL;
}

void call_reply_text(struct call **call, struct str text)
{
        json_t *result = answer_tool_text(text, false);

        call_reply(call, &result);
}

void call_fail(struct call **call, const struct err *err)
{
        json_t *result = answer_tool_failure(err);

        call_reply(call, &result);
}

static void send_progress(struct call *call)
{
        struct command_info info;

        if (!engine_info(call->engine, call->command, &info))
                return;
        json_t *params = progress_due(&call->progress, clock_now_ms() - call->started_ms, &info);
        if (params != NULL)
                requests_notify(call->requests, call->request, "notifications/progress", params);
        json_decref(params);
}

static void on_wait(void *arg, wait_id wait, command_id id, enum wait_reason reason)
{
        struct call *call = arg; /* call_free() cancels the wait, so the call is there */

        (void)wait;
        (void)id;
        if (reason == WAIT_TICK) {
                send_progress(call);
                return;
        }
        call->wait.n = 0;
        call->waited(call, reason);
}

void call_wait(struct call *call, command_id command, int64_t deadline_ms, int64_t quiet_ms,
               call_waited *waited)
{
        struct wait_spec spec = {
                .deadline_ms = deadline_ms,
                .quiet_ms = quiet_ms,
                .tick_ms = call->progress.token != NULL ? PROGRESS_TICK_MS : 0,
                .seek = call->seek,
        };

        call->command = command;
        call->deadline_ms = deadline_ms;
        call->waited = waited;
        call->wait = engine_wait(call->engine, command, &spec, on_wait, call);
}

void call_wait_stopped(struct call *call, command_id command, int64_t deadline_ms,
                       call_waited *waited)
{
        struct wait_spec spec = { .deadline_ms = deadline_ms, .until_stopped = true };

        call->command = command;
        call->deadline_ms = deadline_ms;
        call->waited = waited;
        call->wait = engine_wait(call->engine, command, &spec, on_wait, call);
}

static void on_screen(void *arg, uint64_t ticket, const struct screen_info *info,
                      const struct err *err)
{
        struct call *call = arg; /* call_free() cancels the read, so the call is there */

        (void)ticket;
        call->screen = 0;
        call->screened(call, info, err);
}

bool call_read_screen(struct call *call, const struct screen_request *request,
                      call_screened *screened, struct err *err)
{
        struct session_ref session = call_session(call);

        call->screened = screened;
        return engine_read_screen(call->engine, &session, request, on_screen, call, &call->screen,
                                  &call->command, err);
}

struct session_ref call_session(const struct call *call)
{
        return (struct session_ref){
                .host = args_text(&call->args, "host"),
                .username = args_text(&call->args, "username"),
                .port = (int)args_int(&call->args, "port"),
                .shell = args_text(&call->args, "session"),
        };
}

bool call_find_command(const struct call *call, struct command_info *out_info, struct err *err)
{
        const char *name = args_text(&call->args, "command_id");
        command_id id = engine_find(call->engine, name);

        if (id.n != 0 && engine_info(call->engine, id, out_info))
                return true;
        return err_set(err, ERR_NOT_FOUND,
                       "Command ID not found: %s. list_running_commands and list_command_history "
                       "show the ids there are; the oldest finished commands are forgotten.",
                       log_quote(name, strlen(name)));
}
