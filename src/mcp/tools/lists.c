/* list_running_commands and list_command_history: the same records, chosen differently. */
#include "base/scoped.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

#include <string.h>

#define LINE_MAX_BYTES 200 /* of a command's text in a list */

struct listing {
        bool (*wanted)(const struct command_info *info);
        int64_t left;    /* how many more */
        struct buf text; /* as the original wrote them */
        json_t *commands;
};

static json_t *one_line(const char *text)
{
        scoped_buf struct buf line;

        buf_init(&line, TEXT_MAX);
        text_write_line(&line, text, LINE_MAX_BYTES);
        return answer_string(line.data, line.len);
}

static json_t *time_text(int64_t wall_ms)
{
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        text_write_time(&text, wall_ms);
        return answer_string(text.data, text.len);
}

static json_t *record_of(const struct command_info *info)
{
        json_t *record = json_pack("{s:s,s:o,s:o,s:s,s:o}", "command_id", info->name, "session",
                                   one_line(info->session), "command", one_line(info->text),
                                   "state", command_state_name(info->state), "started",
                                   time_text(info->asked_wall_ms));

        if (command_state_is_final(info->state)) {
                (void)json_object_set_new(record, "exit_status",
                                          info->status_known ? json_integer(info->exit_status)
                                                             : json_null());
                (void)json_object_set_new(record, "ended", time_text(info->ended_wall_ms));
        }
        if (info->state == COMMAND_AWAITING)
                (void)json_object_set_new(record, "awaiting",
                                          json_string(wire_awaiting_name(info->awaiting)));
        return record;
}

static void write_item(struct buf *out, const struct command_info *info)
{
        (void)buf_printf(out, "\n- ID: %s\n  Session: ", info->name); /* TEXT_MAX holds them all */
        text_write_line(out, info->session, LINE_MAX_BYTES);
        (void)buf_append_str(out, "\n  Command: ");
        text_write_line(out, info->text, LINE_MAX_BYTES);
        (void)buf_printf(out, "\n  Status: %s", command_state_name(info->state));
        if (info->state == COMMAND_AWAITING) {
                (void)buf_append_str(out, "\n  Awaiting Input: ");
                text_write_question(out, info);
        }
        if (command_state_is_final(info->state)) {
                (void)buf_append_str(out, "\n  Exit Code: ");
                text_write_exit_status(out, info);
        }
        (void)buf_append_str(out, "\n  Started: ");
        text_write_time(out, info->asked_wall_ms);
        if (command_state_is_final(info->state)) {
                (void)buf_append_str(out, "\n  Ended: ");
                text_write_time(out, info->ended_wall_ms);
        }
        (void)buf_append_byte(out, '\n');
}

static bool visit(void *arg, const struct command_info *info)
{
        struct listing *listing = arg;

        if (!listing->wanted(info))
                return true;
        write_item(&listing->text, info);
        (void)json_array_append_new(listing->commands, record_of(info));
        return --listing->left > 0;
}

struct kind {
        bool (*wanted)(const struct command_info *info);
        void (*write_title)(struct buf *out, size_t count);
        const char *none; /* instead, when there are no records */
};

static void list(struct call *call, const struct kind *kind, int64_t limit)
{
        struct listing listing = { kind->wanted, limit, { 0 }, json_array() };
        scoped_buf struct buf text;

        buf_init(&listing.text, TEXT_MAX);
        buf_init(&text, TEXT_MAX + 100);
        engine_each_command(call->engine, visit, &listing);
        size_t count = json_array_size(listing.commands);
        if (count > 0) {
                kind->write_title(&text, count);
                (void)buf_append(&text, listing.text.data, listing.text.len);
        } else {
                (void)buf_append_str(&text, kind->none);
        }
        json_t *result = answer_tool_text(buf_str(&text), false);
        (void)json_object_set_new(result, "structuredContent",
                                  json_pack("{s:o}", "commands", listing.commands));
        buf_fini(&listing.text);
        call_reply(&call, &result);
}

/* ---- running ---- */

static bool is_running(const struct command_info *info)
{
        return !command_state_is_final(info->state);
}

static void write_running_title(struct buf *out, size_t count)
{
        (void)count;
        (void)buf_append_str(out, "Running Commands:\n");
}

static void list_running(struct call *call)
{
        static const struct kind kind = { is_running, write_running_title,
                                          "No running commands\n" };

        list(call, &kind, INT64_MAX);
}

/* ---- history ---- */

static bool is_history(const struct command_info *info)
{
        return command_state_is_final(info->state) || info->state == COMMAND_AWAITING;
}

static void write_history_title(struct buf *out, size_t count)
{
        (void)buf_printf(out, "Command History (last %zu):\n", count);
}

static void list_history(struct call *call)
{
        static const struct kind kind = { is_history, write_history_title,
                                          "No command history\n" };

        list(call, &kind, args_int(&call->args, "limit"));
}

#define LIST_OUTPUT                                                                                \
        "{\"type\":\"object\",\"properties\":{\"commands\":{\"type\":\"array\",\"items\":{"        \
        "\"type\":\"object\"}}},\"required\":[\"commands\"]}"

const struct tool tool_list_running_commands = {
        .name = "list_running_commands",
        .title = "List running commands",
        .help = "List the commands that run or wait for input, with their ids, on all hosts.",
        .args = (const struct arg[]) { { 0 } },
        .flags = TOOL_READ_ONLY,
        .output = LIST_OUTPUT,
        .run = list_running,
};

const struct tool tool_list_command_history = {
        .name = "list_command_history",
        .title = "List finished commands",
        .help = "List the commands that ended or wait for input, the newest first, with exit "
                "status and id.",
        .args = (const struct arg[]) {
                { .name = "limit", .kind = ARG_INT, .min = 1, .max = 1000, .fallback = "50",
                  .help = "How many" },
                { 0 } },
        .flags = TOOL_READ_ONLY,
        .output = LIST_OUTPUT,
        .run = list_history,
};
