#include "base/scoped.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

static void interrupt(struct call *call)
{
        scoped_buf struct buf text;
        struct command_info info;
        struct err err;

        buf_init(&text, TEXT_MAX);
        if (!call_find_command(call, &info, &err)) {
                call_fail(&call, &err);
                return;
        }
        if (command_state_is_final(info.state)) { /* a late interrupt is not a fault */
                (void)buf_printf(&text, "Command %s is not running (status: %s)\n", info.name,
                                 command_state_name(info.state));
        } else if (engine_interrupt(call->engine, info.id, &err)) {
                (void)buf_printf(&text,
                                 "Sent interrupt signal to command %s\n\n"
                                 "Use get_command_status('%s', wait_s=5) to see how it ends.\n",
                                 info.name, info.name);
        } else {
                call_fail(&call, &err);
                return;
        }
        json_t *result = result_with_facts(buf_str(&text), false, &info, NULL);
        call_reply(&call, &result);
}

const struct tool tool_interrupt_command_by_id = {
        .name = "interrupt_command_by_id",
        .title = "Interrupt a command",
        .help = "Stop a running command as Ctrl-C does (isolated commands get INT, then TERM, then "
                "KILL). The session stays open.",
        .args = (const struct arg[]) { ARG_COMMAND_ID, { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_IDEMPOTENT,
        .run = interrupt,
};
