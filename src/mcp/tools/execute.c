#include "base/clock.h"
#include "base/log.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

#include <string.h>
#include <strings.h>

static bool refuse_enable(struct err *err)
{
        return err_set(err, ERR_INPUT,
                       "enable_password is not supported yet. Run enable without it; when the "
                       "result says 'paused waiting for user input (password …)', answer with "
                       "send_input.");
}

/* Starts what the arguments say; when it cannot, the call is answered and false returned. */
static bool start(struct call *call, command_id *out_id)
{
        struct str text = args_str(&call->args, "command");
        struct run_request request = {
                .session = call_session(call),
                .key_filename = args_text(&call->args, "key_filename"),
                .password = args_text(&call->args, "password"),
                .text = text.ptr,
                .text_len = text.len,
                .isolated = args_bool(&call->args, "isolated"),
                .use_sudo = args_bool(&call->args, "use_sudo"),
                .sudo_password = args_text(&call->args, "sudo_password"),
        };
        struct command_info holder;
        command_id busy = { 0 };
        struct err err;

        if (engine_run(call->engine, &request, out_id, &busy, &err))
                return true;
        if (busy.n != 0 && engine_info(call->engine, busy, &holder)) {
                json_t *result = result_of_busy(&holder);

                call_reply(&call, &result);
        } else {
                call_fail(&call, &err);
        }
        return false;
}

static void execute_ended(struct call *call, enum wait_reason reason)
{
        struct text_view view = { .max = (size_t)args_int(&call->args, "max_chars") };
        struct command_info info;
        struct err err;

        if (reason == WAIT_GONE || !engine_info(call->engine, call->command, &info)) {
                (void)err_set(&err, ERR_STATE,
                              "the command was closed while the call waited for it");
                call_fail(&call, &err);
                return;
        }
        json_t *result = result_of_run(&info, args_int(&call->args, "timeout"), &view);
        call_reply(&call, &result);
}

static void execute(struct call *call)
{
        struct err err;
        command_id id;

        if (args_has(&call->args, "enable_password")) {
                (void)refuse_enable(&err);
                call_fail(&call, &err);
                return;
        }
        if (start(call, &id))
                call_wait(call, id, call->started_ms + args_int(&call->args, "timeout") * 1000, 0,
                          execute_ended);
}

/* What the SDKs say when they gave up waiting; nobody wished the command to end. */
static bool is_client_timeout(const char *reason)
{
        return strcasestr(reason, "timed out") != NULL || strcasestr(reason, "time out") != NULL
               || strcasestr(reason, "timedout") != NULL
               || strcasestr(reason, "timeout") != NULL;
}

static void execute_cancel(struct call *call, const char *reason)
{
        struct err err;

        if (is_client_timeout(reason)) {
                log_info("a call timed out at the client; its command goes on");
                return;
        }
        if (call->command.n != 0 && !engine_interrupt(call->engine, call->command, &err))
                log_debug("interrupt after cancel: %s", err.text);
}

static void execute_async(struct call *call)
{
        struct command_info info;
        struct err err;
        command_id id;

        if (!start(call, &id))
                return;
        if (!engine_info(call->engine, id, &info)) {
                (void)err_set(&err, ERR_STATE, "the command was closed before it began");
                call_fail(&call, &err);
                return;
        }
        json_t *result = result_of_start(&info);
        call_reply(&call, &result);
}

#define ARG_COMMAND                                                                                \
        { .name = "command", .kind = ARG_STRING, .required = true, .max = COMMAND_TEXT_MAX,        \
          .help = "Shell command; may have several lines" }
#define ARG_ISOLATED                                                                               \
        { .name = "isolated", .kind = ARG_BOOL, .fallback = "false",                               \
          .help = "Outside the shell: own stderr, no stdin, no terminal" }
#define ARG_USE_SUDO                                                                               \
        { .name = "use_sudo", .kind = ARG_BOOL, .fallback = "false",                               \
          .help = "Run it as root" }
#define ARG_SUDO_PASSWORD                                                                          \
        { .name = "sudo_password", .kind = ARG_STRING,                                             \
          .help = "Implies use_sudo" }

const struct tool tool_execute_command = {
        .name = "execute_command",
        .title = "Run a command over SSH",
        .help = "Run a shell command on a host in its persistent session: directory, variables and "
                "background jobs carry over between calls; connects by itself. Returns exit status "
                "and exact output. After timeout seconds the command goes on in background and the "
                "result names its id: continue with get_command_status(id, wait_s=30). If it waits "
                "for input (password, y/n, editor, nested shell) the result says what it asks: "
                "answer with send_input. Example: {\"host\":\"web1\",\"command\":\"df -h\"}",
        .args = (const struct arg[]) {
                ARG_HOST,
                ARG_COMMAND,
                ARG_USERNAME,
                ARG_PASSWORD,
                ARG_KEY_FILENAME,
                ARG_PORT,
                { .name = "enable_password", .kind = ARG_STRING, .help = "Not supported yet" },
                { .name = "enable_command", .kind = ARG_STRING, .fallback = "enable",
                  .help = "Not supported yet" },
                ARG_SUDO_PASSWORD,
                { .name = "timeout", .kind = ARG_INT, .max = WAIT_MAX_S, .fallback = "30",
                  .help = "Seconds to wait for the end; never kills" },
                ARG_SESSION,
                ARG_ISOLATED,
                ARG_USE_SUDO,
                ARG_MAX_CHARS,
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_OPEN_WORLD | TOOL_CORE,
        .run = execute,
        .cancel = execute_cancel,
};

const struct tool tool_execute_command_async = {
        .name = "execute_command_async",
        .title = "Start a command over SSH",
        .help = "Start a shell command in the host's persistent session and return its id at once, "
                "for what is known to take long. Continue with get_command_status(id, wait_s=30). "
                "It holds the session's shell until it ends: use session or isolated to run others "
                "meanwhile.",
        .args = (const struct arg[]) {
                ARG_HOST,
                ARG_COMMAND,
                ARG_USERNAME,
                ARG_PASSWORD,
                ARG_KEY_FILENAME,
                ARG_PORT,
                { .name = "timeout", .kind = ARG_INT, .max = OFFSET_MAX, .fallback = "300",
                  .help = "Without effect: nothing is killed" },
                ARG_SESSION,
                ARG_ISOLATED,
                ARG_USE_SUDO,
                ARG_SUDO_PASSWORD,
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_OPEN_WORLD,
        .run = execute_async,
};
