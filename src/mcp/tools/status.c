#include "base/clock.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"
#include "mcp/wait_for.h"

static void show(struct call *call, const struct command_info *info, enum wait_reason reason)
{
        struct text_view view = {
                .from = (uint64_t)args_int(&call->args, "offset"),
                .max = (size_t)args_int(&call->args, "max_chars"),
        };
        json_t *result = result_of_status(info, &view);

        wait_for_tell(call, reason, result);
        call_reply(&call, &result);
}

static void waited(struct call *call, enum wait_reason reason)
{
        struct command_info info;
        struct err err;

        if (call_find_command(call, &info, &err))
                show(call, &info, reason); /* whatever ended the wait, the state is shown */
        else
                call_fail(&call, &err);
}

static void status(struct call *call)
{
        struct command_info info;
        struct err err;

        if (!wait_for_take(call, &err) || !call_find_command(call, &info, &err)) {
                call_fail(&call, &err);
                return;
        }
        int64_t wait_ms = wait_for_ms(call);
        if (call->seek != NULL) {
                seek_from(call->seek, info.out, (uint64_t)args_int(&call->args, "offset"));
                call_wait(call, info.id, call->started_ms + wait_ms, 0, waited);
        } else if (wait_ms == 0 || info.state == COMMAND_AWAITING || command_state_is_final(info.state)) {
                show(call, &info, WAIT_DEADLINE);
        } else {
                call_wait(call, info.id, call->started_ms + wait_ms, 0, waited);
        }
}

const struct tool tool_get_command_status = {
        .name = "get_command_status",
        .title = "Wait for a command",
        .help = "Get a command's state, exit status and output, also of one that runs in "
                "background. With wait_s it waits until the command ends or asks for input, at "
                "most that long: prefer that to polling; with wait_for also until its output "
                "has that. With offset it returns only what came after; each result says the "
                "next offset.",
        .args = (const struct arg[]) {
                ARG_COMMAND_ID,
                { .name = "wait_s", .kind = ARG_INT, .max = WAIT_MAX_S, .fallback = "0",
                  .help = "Seconds to wait for the end" },
                { .name = "offset", .kind = ARG_INT, .max = OFFSET_MAX, .fallback = "0",
                  .help = "First byte of output to return" },
                ARG_MAX_CHARS,
                ARG_WAIT_FOR,
                ARG_WAIT_FOR_REGEX,
                { 0 } },
        .flags = TOOL_READ_ONLY | TOOL_CORE,
        .run = status,
};
