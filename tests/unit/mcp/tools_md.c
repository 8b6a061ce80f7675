#include "mcp/tools_md.h"

#include "mcp/tool.h"

#include <inttypes.h>

static const char *kind_name(enum arg_kind kind)
{
        static const char *const names[] = {
                [ARG_STRING] = "text", [ARG_INT] = "whole number", [ARG_BOOL] = "true or false"
        };

        return names[kind];
}

static void write_arg(struct buf *out, const struct arg *arg)
{
        (void)buf_printf(out, "| `%s`%s | %s", arg->name, arg->required ? " (required)" : "",
                         kind_name(arg->kind));
        if (arg->kind == ARG_INT && arg->max < INT32_MAX)
                (void)buf_printf(out, ", %" PRId64 " to %" PRId64, arg->min, arg->max);
        (void)buf_printf(out, " | %s%s%s | %s |\n", arg->fallback != NULL ? "`" : "",
                         arg->fallback != NULL ? arg->fallback : "",
                         arg->fallback != NULL ? "`" : "", arg->help);
}

static void write_flags(struct buf *out, unsigned flags)
{
        (void)buf_append_str(out, (flags & TOOL_READ_ONLY) != 0 ? "Read-only." : "Changes things");
        if ((flags & TOOL_READ_ONLY) == 0)
                (void)buf_append_str(out, (flags & TOOL_IDEMPOTENT) != 0
                                                  ? "; doing it twice is as doing it once."
                                                  : "; doing it twice does it twice.");
        if ((flags & TOOL_OPEN_WORLD) != 0)
                (void)buf_append_str(out, " Reaches other machines.");
        (void)buf_append_byte(out, '\n');
}

static void write_tool(struct buf *out, const struct tool *tool)
{
        (void)buf_printf(out, "\n## %s\n\n%s. %s\n\n", tool->name, tool->title, tool->help);
        write_flags(out, tool->flags);
        if (tool->args[0].name == NULL) {
                (void)buf_append_str(out, "\nNo arguments.\n");
        } else {
                (void)buf_append_str(out, "\n| argument | type | default | meaning |\n"
                                          "|---|---|---|---|\n");
                for (const struct arg *arg = tool->args; arg->name != NULL; arg++)
                        write_arg(out, arg);
        }
        if (tool->output != NULL)
                (void)buf_printf(out, "\nThe result has `structuredContent`:\n\n```json\n%s\n```\n",
                                 tool->output);
}

void tools_md_write(struct buf *out)
{
        (void)buf_append_str(out,
                             "# Tools\n\n"
                             "Written by `gen_tools_md` from the table in `src/mcp/tools.c`; change the "
                             "table, then run `ninja -C build tools-md`. A test compares them.\n\n"
                             "An argument may come as models send it: a number as text, `30.0` for "
                             "`30`, `null` for absent. Results that show a command carry its facts in "
                             "`_meta[\"mcp-ssh-session/command\"]`: `command_id`, `state`, "
                             "`exit_status`, `signal`, `duration_ms`, `output_bytes`, `truncated`, "
                             "`session`, `cwd`, `awaiting`, `next_offset`, `started`, `partial_bytes` "
                             "(of the unfinished last line, shown but not counted in offsets), and "
                             "`stderr_bytes` for isolated commands; screens in "
                             "`_meta[\"mcp-ssh-session/screen\"]`: `session`, `width`, `height`, "
                             "`cursor_x` and `cursor_y` (from 0), `cursor_hidden`, `alternate`, "
                             "`at_prompt`, `title`, `serial` (for `since`), `waited_for` (`quiet`, "
                             "`ended`, `awaiting_input` or `time`), and of the command in front "
                             "`command_id`, `state`, `awaiting`, `exit_status`. How `wait_for` and "
                             "`wait_for_regex` ended is in `_meta[\"mcp-ssh-session/wait\"]`: "
                             "`waited_for` (`found`, `ended`, `awaiting_input`, `time` or `gone`), `line`, "
                             "`offset` (not on a screen); each line is looked at alone, the unfinished "
                             "last one as it is, what is typed counts where it is echoed, and `wait_s` is "
                             "30 then where it is not given. A regular expression has literals, `.`, "
                             "classes, `\\d \\w \\s \\b`, `^ $`, groups, `|`, `* + ? {m,n}` and `(?i)` "
                             "at its beginning. Errors carry a code in "
                             "`_meta[\"mcp-ssh-session/error\"]`.\n");
        for (size_t i = 0; tools[i] != NULL; i++)
                write_tool(out, tools[i]);
}
