/*
 * buf results are not checked: TEXT_MAX is above what any screen takes, and without memory a
 * shorter text is the best answer there is.
 */
#include "mcp/screen_text.h"

#include "base/log.h"
#include "base/scoped.h"
#include "mcp/answer.h"
#include "mcp/text.h"

#include <inttypes.h>
#include <string.h>

#define SCREEN_TEXT_ROOM ((size_t)6 * 1024 * 1024) /* bytes: SCREEN_TEXT_MAX of rows, lines of ours */
#define NAME_SHOWN       200                       /* bytes of a command's text or a title */

#define put(...) ((void)buf_printf(__VA_ARGS__))

/* ---- what the terminal is doing ---- */

static void write_command(struct buf *out, const struct command_info *command)
{
        bool is_final = command_state_is_final(command->state);

        put(out, "Terminal: %s \"", is_final ? "the command" : "running");
        text_write_line(out, command->text, NAME_SHOWN);
        put(out, "\" (ID %s)", command->name);
        if (is_final) {
                put(out, " ended: %s, exit status ", command_state_name(command->state));
                text_write_exit_status(out, command);
        } else if (command->state == COMMAND_AWAITING) {
                put(out, ", waiting for input (");
                text_write_question(out, command);
                put(out, ")");
        }
        put(out, "\n");
}

static void write_state(struct buf *out, const struct screen_info *info,
                        const struct screen_view *view)
{
        if (view->command != NULL)
                write_command(out, view->command);
        else if ((info->screen.flags & WIRE_SCREEN_PROMPT) != 0)
                put(out, "Terminal: shell prompt\n");
        else
                put(out, "Terminal: no command of this server runs; the shell starts, or runs what "
                         "was typed into it\n");
}

static void write_head(struct buf *out, const struct screen_info *info,
                       const struct screen_view *view)
{
        const struct wire_screen *screen = &info->screen;

        if (view->before != NULL)
                put(out, "%s\n\n", view->before);
        put(out, "Session: ");
        text_write_line(out, info->session, NAME_SHOWN);
        put(out, "\nSize: %ux%u%s\nCursor: row %u, column %u%s\n", screen->columns, screen->rows,
            (screen->flags & WIRE_SCREEN_ALTERNATE) != 0 ? ", alternate screen" : "",
            screen->cursor_y + 1, screen->cursor_x + 1,
            (screen->flags & WIRE_SCREEN_HIDDEN) != 0 ? " (hidden)" : "");
        if (info->title[0] != '\0') {
                put(out, "Title: ");
                text_write_line(out, info->title, NAME_SHOWN);
                put(out, "\n");
        }
        write_state(out, info, view);
}

/* ---- lines ---- */

/* The rows of the screen that are shown: up to the last that has text or the cursor. */
struct window {
        size_t first;  /* index in rows of the screen's first row */
        size_t begin;  /* shown from here on … */
        size_t end;    /* … to here */
        size_t last;   /* and this one, end - 1 if it is among them */
};

static struct window choose(const struct screen_info *info, size_t max_lines)
{
        struct window window = { 0 };

        while (window.first < info->row_count && info->rows[window.first].row < 0)
                window.first++;
        size_t cursor = window.first + info->screen.cursor_y;
        size_t end = info->row_count;
        while (end > cursor + 1 && info->rows[end - 1].text[0] == '\0')
                end--;
        size_t count = end - window.first;
        window.begin = window.first;
        window.end = end;
        window.last = end - 1;
        if (count <= max_lines)
                return window;
        window.begin = end - max_lines;
        if (cursor >= window.begin)
                return window;
        /* the cursor is above: lines around it, and the last one, where programs tell their state */
        size_t around = max_lines > 1 ? max_lines - 1 : 1;
        window.begin = cursor - window.first > around / 2 ? cursor - around / 2 : window.first;
        window.end = window.begin + around;
        return window;
}

static void write_hidden(struct buf *out, const struct window *window, size_t from, size_t to)
{
        if (from < to)
                put(out, "[rows %zu to %zu are not shown; max_lines=%zu shows all]\n",
                    from - window->first + 1, to - window->first, window->last + 1 - window->first);
}

static void write_rows(struct buf *out, const struct screen_info *info, size_t from, size_t to)
{
        for (size_t i = from; i < to; i++)
                put(out, "%s\n", info->rows[i].text);
}

static void write_all(struct buf *out, const struct screen_info *info, size_t max_lines)
{
        struct window window = choose(info, max_lines);

        if (window.first > 0) {
                put(out, "\nSCROLLBACK:\n");
                write_rows(out, info, 0, window.first);
        }
        put(out, "\nSCREEN:\n");
        write_hidden(out, &window, window.first, window.begin);
        write_rows(out, info, window.begin, window.end);
        if (window.end <= window.last && max_lines > 1) {
                write_hidden(out, &window, window.end, window.last);
                write_rows(out, info, window.last, window.last + 1);
        }
}

static void write_changes(struct buf *out, const struct screen_info *info)
{
        size_t begin;

        put(out, "\nCHANGED ROWS:\n");
        begin = out->len;
        for (size_t i = 0; i < info->row_count; i++)
                if (info->rows[i].row >= 0 && info->rows[i].is_changed)
                        put(out, "%d: %s\n", info->rows[i].row + 1, info->rows[i].text);
        if (out->len == begin)
                put(out, "[none]\n");
}

/* ---- facts ---- */

static const char *end_name(enum wire_screen_end end)
{
        switch (end) {
        case WIRE_SCREEN_LIMIT: return "time";
        case WIRE_SCREEN_QUIET: return "quiet";
        case WIRE_SCREEN_ENDED: return "ended";
        case WIRE_SCREEN_ASKED: return "awaiting_input";
        case WIRE_SCREEN_ENDS:  break;
        }
        bug("screen end %d", (int)end);
}

static json_t *facts_of(const struct screen_info *info, const struct screen_view *view)
{
        const struct wire_screen *screen = &info->screen;
        const struct command_info *command = view->command;
        json_t *facts = json_pack(
                "{s:o,s:I,s:I,s:I,s:I,s:b,s:b,s:b,s:o,s:I,s:s}",
                "session", answer_string(info->session, strlen(info->session)),
                "width", (json_int_t)screen->columns,
                "height", (json_int_t)screen->rows,
                "cursor_x", (json_int_t)screen->cursor_x,
                "cursor_y", (json_int_t)screen->cursor_y,
                "alternate", (screen->flags & WIRE_SCREEN_ALTERNATE) != 0,
                "cursor_hidden", (screen->flags & WIRE_SCREEN_HIDDEN) != 0,
                "at_prompt", (screen->flags & WIRE_SCREEN_PROMPT) != 0,
                "title", answer_string(info->title, strlen(info->title)),
                "serial", (json_int_t)screen->serial,
                "waited_for", end_name(screen->end));

        if (command == NULL)
                return facts;
        (void)json_object_set_new(facts, "command_id", json_string(command->name));
        (void)json_object_set_new(facts, "state", json_string(command_state_name(command->state)));
        if (command->state == COMMAND_AWAITING)
                (void)json_object_set_new(facts, "awaiting",
                                          json_string(wire_awaiting_name(command->awaiting)));
        if (command->status_known)
                (void)json_object_set_new(facts, "exit_status", json_integer(command->exit_status));
        return facts;
}

json_t *result_of_screen(const struct screen_info *info, const struct screen_view *view)
{
        scoped_buf struct buf text;

        buf_init(&text, SCREEN_TEXT_ROOM);
        write_head(&text, info, view);
        if (view->since != 0)
                write_changes(&text, info);
        else
                write_all(&text, info, view->max_lines);
        put(&text, "\n[since=%" PRId64 " in the next read_screen shows only what changes]\n",
            info->screen.serial);
        json_t *result = answer_tool_text(buf_str(&text), false);
        json_t *facts = facts_of(info, view);
        answer_set_meta(result, RESULT_META_SCREEN, &facts);
        return result;
}
