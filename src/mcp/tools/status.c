#include "base/clock.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

static void show(struct call *call, const struct command_info *info)
{
        struct text_view view = {
                .from = (uint64_t)args_int(&call->args, "offset"),
                .max = (size_t)args_int(&call->args, "max_chars"),
        };
        json_t *result = result_of_status(info, &view);

        call_reply(&call, &result);
}

static void waited(struct call *call, enum wait_reason reason)
{
        struct command_info info;
        struct err err;

        (void)reason; /* whatever ended the wait, the state is shown */
        if (call_find_command(call, &info, &err))
                show(call, &info);
        else
                call_fail(&call, &err);
}

static void status(struct call *call)
{
        int64_t wait_s = args_int(&call->args, "wait_s");
        struct command_info info;
        struct err err;

        if (!call_find_command(call, &info, &err)) {
                call_fail(&call, &err);
                return;
        }
        if (wait_s == 0 || info.state == COMMAND_AWAITING || command_state_is_final(info.state))
                show(call, &info);
        else
                call_wait(call, info.id, call->started_ms + wait_s * 1000, 0, waited);
}

const struct tool tool_get_command_status = {
        .name = "get_command_status",
        .title = "Wait for a command",
        .help = "Get a command's state, exit status and output, also of one that runs in "
                "background. With wait_s it waits until the command ends or asks for input, at "
                "most that long: prefer that to polling. With offset it returns only what came "
                "after; each result says the next offset.",
        .args = (const struct arg[]) {
                ARG_COMMAND_ID,
                { .name = "wait_s", .kind = ARG_INT, .max = WAIT_MAX_S, .fallback = "0",
                  .help = "Seconds to wait for the end" },
                { .name = "offset", .kind = ARG_INT, .max = OFFSET_MAX, .fallback = "0",
                  .help = "First byte of output to return" },
                ARG_MAX_CHARS,
                { 0 } },
        .flags = TOOL_READ_ONLY | TOOL_CORE,
        .run = status,
};
