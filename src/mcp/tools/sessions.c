#include "base/scoped.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

#include <string.h>

#define NAME_SHOWN    300 /* bytes of a session's name, directory, server */
#define COMMAND_SHOWN 60  /* of the command that opened a shell */
#define LIMITS_SHOWN  600

/* ---- list_sessions ---- */

struct listing {
        struct engine *engine; /* not ours */
        struct buf *text;
        json_t *sessions;
};

static void set_text(json_t *record, const char *key, const char *text)
{
        if (text != NULL && text[0] != '\0')
                (void)json_object_set_new(record, key, answer_string(text, strlen(text)));
}

/* "bash" for the login shell, "sudo -i: bash" for one that a command opened. */
static void write_level(struct buf *out, struct engine *engine, const struct session_level *level)
{
        struct command_info command;

        if (level->opened_by.n != 0 && engine_info(engine, level->opened_by, &command)) {
                text_write_line(out, command.text, COMMAND_SHOWN);
                (void)buf_append_str(out, ": "); /* TEXT_MAX: what does not fit is not listed */
        }
        text_write_line(out, level->program[0] != 0 ? level->program : "a shell", NAME_SHOWN);
}

static void set_levels(json_t *record, struct engine *engine, const struct session_info *info)
{
        const char *limits = info->level_count > 0 ? info->levels[info->level_count - 1].limits : "";
        json_t *shells = json_array();

        for (unsigned i = 0; i < info->level_count; i++) {
                scoped_buf struct buf line;
                buf_init(&line, 2 * NAME_SHOWN);
                write_level(&line, engine, &info->levels[i]);
                (void)json_array_append_new(shells, answer_string((const char *)line.data, line.len));
        }
        (void)json_object_set_new(record, "shells", shells);
        set_text(record, "limits", limits);
}

static json_t *record_of(struct engine *engine, const struct session_info *info)
{
        json_t *record = json_pack("{s:o,s:s,s:b}", "session",
                                   answer_string(info->name, strlen(info->name)), "state",
                                   info->state, "is_shell", info->is_shell);
        struct command_info command;

        set_text(record, "host", info->host_given);
        set_text(record, "shell", info->shell);
        if (info->is_shell)
                set_levels(record, engine, info);
        set_text(record, "cwd", info->cwd);
        set_text(record, "server", info->server);
        set_text(record, "auth", info->auth_method);
        set_text(record, "legacy_algorithms", info->legacy);
        set_text(record, "via", info->via);
        if (info->command.n != 0 && engine_info(engine, info->command, &command))
                set_text(record, "command_id", command.name);
        return record;
}

static void write_levels(struct buf *out, struct engine *engine, const struct session_info *info)
{
        for (unsigned i = 1; i < info->level_count; i++) {
                (void)buf_append_str(out, i == 1 ? ", inside it " : " > ");
                write_level(out, engine, &info->levels[i]);
        }
        if (info->level_count > 0 && info->levels[info->level_count - 1].limits[0] != 0) {
                (void)buf_append_str(out, "; ");
                text_write_line(out, info->levels[info->level_count - 1].limits, LIMITS_SHOWN);
        }
}

static void write_part(struct buf *out, const char *text)
{
        if (text == NULL || text[0] == '\0')
                return;
        (void)buf_append_str(out, ", "); /* TEXT_MAX: what does not fit is not listed */
        text_write_line(out, text, NAME_SHOWN);
}

static bool visit(void *arg, const struct session_info *info)
{
        struct listing *listing = arg;

        (void)buf_append_str(listing->text, "- ");
        text_write_line(listing->text, info->name, NAME_SHOWN);
        (void)buf_printf(listing->text, " (%s", info->state);
        if (!info->is_shell)
                (void)buf_append_str(listing->text, ", no shell open");
        write_part(listing->text, info->shell);
        write_part(listing->text, info->cwd);
        write_levels(listing->text, listing->engine, info);
        if (info->via != NULL && info->via[0] != 0) {
                (void)buf_append_str(listing->text, ", via ");
                text_write_line(listing->text, info->via, NAME_SHOWN);
        }
        if (info->legacy != NULL && info->legacy[0] != 0)
                (void)buf_printf(listing->text, ", legacy algorithms: %s", info->legacy);
        (void)buf_append_str(listing->text, ")\n");
        (void)json_array_append_new(listing->sessions, record_of(listing->engine, info));
        return true;
}

/* The text, and the same as records under one key. */
static void reply_records(struct call *call, const struct buf *text, const char *key,
                          json_t *records)
{
        json_t *result = answer_tool_text(buf_str(text), false);

        (void)json_object_set_new(result, "structuredContent", json_pack("{s:o}", key, records));
        call_reply(&call, &result);
}

static void list_sessions(struct call *call)
{
        scoped_buf struct buf text;
        struct listing listing = { call->engine, &text, json_array() };

        buf_init(&text, TEXT_MAX);
        (void)buf_append_str(&text, "Active SSH Sessions:\n");
        engine_each_session(call->engine, visit, &listing);
        if (json_array_size(listing.sessions) == 0) {
                buf_reset(&text);
                (void)buf_append_str(&text, "No active SSH sessions\n");
        }
        reply_records(call, &text, "sessions", listing.sessions);
}

/* ---- closing ---- */

static void close_session(struct call *call)
{
        struct session_ref session = call_session(call);
        scoped_buf struct buf text;
        unsigned closed = 0;
        struct err err;

        buf_init(&text, TEXT_MAX);
        if (!engine_close_session(call->engine, &session, &closed, &err)) {
                call_fail(&call, &err);
                return;
        }
        (void)buf_append_str(&text, closed > 0 ? "Closed session: " : "No open session: ");
        if (session.username != NULL && strchr(session.host, '@') == NULL)
                (void)buf_printf(&text, "%s@", session.username);
        text_write_line(&text, session.host, NAME_SHOWN);
        if (session.port != 0)
                (void)buf_printf(&text, ":%d", session.port);
        if (session.shell != NULL)
                (void)buf_printf(&text, "/%s", session.shell);
        (void)buf_append_byte(&text, '\n');
        reply_records(call, &text, "closed", json_integer(closed));
}

static void close_all(struct call *call)
{
        unsigned closed = engine_close_all(call->engine);
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        (void)buf_append_str(&text, closed > 0 ? "All SSH sessions closed\n"
                                               : "No active SSH sessions\n");
        reply_records(call, &text, "closed", json_integer(closed));
}

#define LIST_OUTPUT                                                                                \
        "{\"type\":\"object\",\"properties\":{\"sessions\":{\"type\":\"array\",\"items\":{"        \
        "\"type\":\"object\",\"properties\":{\"shells\":{\"type\":\"array\"},"                        \
        "\"limits\":{\"type\":\"string\"}}}}},\"required\":[\"sessions\"]}"
#define CLOSE_OUTPUT                                                                               \
        "{\"type\":\"object\",\"properties\":{\"closed\":{\"type\":\"integer\"}},"                 \
        "\"required\":[\"closed\"]}"

const struct tool tool_list_sessions = {
        .name = "list_sessions",
        .title = "List SSH sessions",
        .help = "List the open connections and shells: user@host:port, state, shell, directory and "
                "the id of the command that runs there; shells inside one another.",
        .args = (const struct arg[]) { { 0 } },
        .flags = TOOL_READ_ONLY | TOOL_CORE,
        .output = LIST_OUTPUT,
        .run = list_sessions,
};

const struct tool tool_close_session = {
        .name = "close_session",
        .title = "Close a session",
        .help = "Close a host's connection with all its shells, or one named shell (session). "
                "Commands running there are interrupted; variables and directory are lost.",
        .args = (const struct arg[]) {
                ARG_HOST,
                ARG_USERNAME,
                ARG_PORT,
                ARG_SESSION,
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_IDEMPOTENT,
        .output = CLOSE_OUTPUT,
        .run = close_session,
};

const struct tool tool_close_all_sessions = {
        .name = "close_all_sessions",
        .title = "Close all sessions",
        .help = "Close every connection. Commands running there are interrupted.",
        .args = (const struct arg[]) { { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_IDEMPOTENT,
        .output = CLOSE_OUTPUT,
        .run = close_all,
};
