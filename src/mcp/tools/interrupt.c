#include "base/scoped.h"
#include "mcp/answer.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/stopping_text.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

static void reply(struct call *call, const struct command_info *info, struct str text)
{
        json_t *result = result_with_facts(text, false, info, NULL);
        json_t *facts = stopping_facts(info);

        answer_set_meta(result, STOPPING_META, &facts);
        call_reply(&call, &result);
}

static void show_outcome(struct call *call, const struct command_info *info)
{
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        (void)buf_printf(&text, "Sent interrupt signal to command %s\n\n", info->name);
        stopping_write(&text, info);
        if (!command_state_is_final(info->state))
                (void)buf_printf(&text,
                                 "Use get_command_status('%s', wait_s=5) to see how it ends.\n",
                                 info->name);
        reply(call, info, buf_str(&text));
}

static void show_late(struct call *call, const struct command_info *info)
{
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        (void)buf_printf(&text, "Command %s is not running (status: %s)\n", info->name,
                         command_state_name(info->state));
        reply(call, info, buf_str(&text));
}

static void waited(struct call *call, enum wait_reason reason)
{
        struct command_info info;
        struct err err;

        (void)reason; /* whatever ended the wait, what is known is told */
        if (call_find_command(call, &info, &err))
                show_outcome(call, &info);
        else
                call_fail(&call, &err);
}

static void interrupt(struct call *call)
{
        struct command_info info;
        struct err err;

        bool is_found = call_find_command(call, &info, &err);
        bool is_late = is_found && command_state_is_final(info.state);

        if (is_late) /* no fault */
                show_late(call, &info);
        else if (!is_found || !engine_interrupt(call->engine, info.id, &err))
                call_fail(&call, &err);
        else
                call_wait_stopped(call, info.id,
                                  call->started_ms + args_int(&call->args, "wait_s") * 1000,
                                  waited);
}

const struct tool tool_interrupt_command_by_id = {
        .name = "interrupt_command_by_id",
        .title = "Interrupt a command",
        .help = "Stop a command: Ctrl-C, then TERM, then KILL. Says what came of it: stopped, "
                "still running, or unconfirmed.",
        .args = (const struct arg[]) {
                ARG_COMMAND_ID,
                { .name = "wait_s", .kind = ARG_INT, .max = WAIT_MAX_S, .fallback = "10",
                  .help = "Seconds to wait" },
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_IDEMPOTENT,
        .run = interrupt,
};
