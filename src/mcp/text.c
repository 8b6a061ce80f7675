/*
 * buf results are not checked: TEXT_MAX is above what any layout takes, and without memory a
 * shorter text is the best answer there is.
 */
#include "mcp/text.h"

#include "base/log.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define QUESTION_MAX 500 /* bytes of what a program asks */
#define COMMAND_MAX  500 /* bytes of a command's text in a record */

#define put(...) ((void)buf_printf(__VA_ARGS__))

static void put_text(struct buf *out, const char *text)
{
        (void)buf_append_str(out, text);
}

void text_write_line(struct buf *out, const char *text, size_t max)
{
        size_t len = strlen(text);
        size_t shown = len > max ? utf8_cut(text, max) : len;
        size_t begin = out->len;

        (void)buf_append(out, text, shown);
        for (size_t i = begin; i < out->len; i++)
                if (out->data[i] < ' ' || out->data[i] == 0x7F)
                        out->data[i] = ' ';
        if (shown < len)
                put_text(out, "…");
}

void text_write_time(struct buf *out, int64_t wall_ms)
{
        time_t seconds = (time_t)(wall_ms / 1000);
        char text[sizeof "2026-07-28T09:30:00Z"] = "";
        struct tm parts;

        if (gmtime_r(&seconds, &parts) != NULL)
                (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts); /* 0: no text */
        put_text(out, text);
}

void text_write_exit_status(struct buf *out, const struct command_info *info)
{
        if (info->status_known) {
                put(out, "%d", info->exit_status);
                return;
        }
        put_text(out, "unknown (");
        if (info->signal != NULL)
                put(out, "killed by signal %s", info->signal);
        else if (info->reason[0] != '\0')
                text_write_line(out, info->reason, ERR_TEXT_MAX);
        else if (info->error.code != ERR_NONE)
                text_write_line(out, info->error.text, ERR_TEXT_MAX);
        else
                put_text(out, info->state == COMMAND_INTERRUPTED ? "interrupted"
                                                                 : "no exit status was seen");
        put_text(out, ")");
}

static const char *awaiting_word(enum wire_awaiting awaiting)
{
        switch (awaiting) {
        case WIRE_AWAITING_PASSWORD: return "password";
        case WIRE_AWAITING_LINE:     return "line";
        case WIRE_AWAITING_PROGRAM:  return "program";
        case WIRE_AWAITING_SHELL:    return "shell";
        case WIRE_AWAITING_NOTHING:
        case WIRE_AWAITING_KINDS:    return "input";
        }
        bug("awaiting %d", (int)awaiting);
}

void text_write_question(struct buf *out, const struct command_info *info)
{
        put_text(out, awaiting_word(info->awaiting));
        if (info->question[0] == '\0')
                return;
        put_text(out, ": \"");
        text_write_line(out, info->question, QUESTION_MAX);
        put_text(out, "\"");
}

/* The call that answers what waits. */
static void write_how_to_answer(struct buf *out, const struct command_info *info)
{
        switch (info->awaiting) {
        case WIRE_AWAITING_PROGRAM:
                put(out, "Use read_screen to see it and send_keys to press keys, or "
                         "send_input('%s', 'keys'); \\n is Enter.\n",
                    info->name);
                return;
        case WIRE_AWAITING_SHELL:
                put(out, "A nested shell is at its prompt: the next execute_command of this "
                         "session runs inside it. The command 'exit' leaves it.\n");
                return;
        case WIRE_AWAITING_PASSWORD:
        case WIRE_AWAITING_LINE:
        case WIRE_AWAITING_NOTHING:
        case WIRE_AWAITING_KINDS:
                put(out, "Use send_input('%s', 'your_input\\n') to provide input.\n", info->name);
                return;
        }
        bug("awaiting %d", (int)info->awaiting);
}

/* ---- blocks ---- */

static void end_line(struct buf *out)
{
        if (out->len > 0 && out->data[out->len - 1] != '\n')
                (void)buf_append_byte(out, '\n');
}

/* "\nTITLE\noutput\n", or nothing when there is none. */
static void write_block(struct buf *out, const char *title, const struct excerpt_spec *spec,
                        struct excerpt *out_excerpt)
{
        size_t start = out->len;

        put(out, "\n%s\n", title);
        size_t begin = out->len;
        excerpt_middle(out, spec, out_excerpt);
        if (out->len == begin)
                out->len = start;
        else
                end_line(out);
}

static void write_streams(struct buf *out, const struct command_info *info,
                          const struct text_view *view, const char *out_title,
                          const char *err_title, struct text_shown *out_shown)
{
        bool is_final = command_state_is_final(info->state);
        struct excerpt_spec spec = { .output = info->out, .command = info->name,
                                     .from = view->from, .max = view->max,
                                     .with_partial = !is_final };
        struct excerpt err = { 0 };

        write_block(out, out_title, &spec, &out_shown->out);
        if (info->err != NULL) {
                spec.output = info->err;
                spec.is_stderr = true;
                spec.from = 0;
                write_block(out, err_title, &spec, &err);
        }
        out_shown->is_cut = out_shown->out.is_cut || err.is_cut;
}

/* Each note on a line of its own in brackets, after a blank line. */
static void write_notes(struct buf *out, const struct command_info *info)
{
        struct str rest = str_of(info->notes);
        struct str note;
        const char *before = "\n";

        if (info->state == COMMAND_INTERRUPTED && info->status_known) {
                put(out, "%s[interrupted on request]\n", before);
                before = "";
        }
        if (info->state == COMMAND_QUEUED) {
                put(out, "%s[not started yet: its connection or shell is not ready]\n", before);
                before = "";
        }
        if (info->redactions > 0) {
                put(out, "%s[%u %s in the output known to this server: shown as [redacted]]\n",
                    before, info->redactions, info->redactions == 1 ? "secret" : "secrets");
                before = "";
        }
        while (str_line(&rest, &note)) {
                if (note.len == 0)
                        continue;
                put(out, "%s[%.*s]\n", before, (int)note.len, note.ptr);
                before = "";
        }
}

/* ---- layouts ---- */

void text_write_done(struct buf *out, const struct command_info *info,
                     const struct text_view *view, struct text_shown *out_shown)
{
        if (info->state == COMMAND_FAILED) {
                put(out, "Error: %s\n", info->error.text);
        } else {
                put_text(out, "Exit Status: ");
                text_write_exit_status(out, info);
                put_text(out, "\n");
        }
        write_streams(out, info, view, "STDOUT:", "STDERR:", out_shown);
        write_notes(out, info);
}

void text_write_running(struct buf *out, const struct command_info *info, int64_t timeout_s,
                        const struct text_view *view, struct text_shown *out_shown)
{
        put(out,
            "Command exceeded timeout of %" PRId64 "s and is now running in background.\n\n"
            "Command ID: %s\n\n"
            "Use get_command_status('%s', wait_s=30) to wait for it.\n"
            "Use interrupt_command_by_id('%s') to stop it.\n",
            timeout_s, info->name, info->name, info->name);
        write_streams(out, info, view, "OUTPUT SO FAR:", "STDERR SO FAR:", out_shown);
        write_notes(out, info);
}

void text_write_awaiting(struct buf *out, const struct command_info *info,
                         const struct text_view *view, struct text_shown *out_shown)
{
        put_text(out, "Command paused waiting for user input (");
        text_write_question(out, info);
        put(out, ").\n\nCommand ID: %s\n\n", info->name);
        write_how_to_answer(out, info);
        write_streams(out, info, view, "OUTPUT SO FAR:", "STDERR SO FAR:", out_shown);
        write_notes(out, info);
}

/* Where the next look goes on, unless there will be nothing. */
static void write_next(struct buf *out, const struct command_info *info,
                       const struct text_shown *shown)
{
        if (!command_state_is_final(info->state))
                put(out, "\n[get_command_status('%s', wait_s=30, offset=%" PRIu64
                         ") shows what comes next]\n",
                    info->name, shown->out.next);
}

void text_write_status(struct buf *out, const struct command_info *info,
                       const struct text_view *view, struct text_shown *out_shown)
{
        put(out, "Command ID: %s\nSession: ", info->name);
        text_write_line(out, info->session, QUESTION_MAX);
        put_text(out, "\nCommand: ");
        text_write_line(out, info->text, COMMAND_MAX);
        put(out, "\nStatus: %s\nStarted: ", command_state_name(info->state));
        text_write_time(out, info->asked_wall_ms);
        if (command_state_is_final(info->state)) {
                put_text(out, "\nEnded: ");
                text_write_time(out, info->ended_wall_ms);
                put_text(out, "\nExit Code: ");
                text_write_exit_status(out, info);
        }
        if (info->state == COMMAND_AWAITING) {
                put_text(out, "\nAwaiting Input: ");
                text_write_question(out, info);
                put_text(out, "\n  → ");
                write_how_to_answer(out, info);
        }
        end_line(out);
        if (info->error.code != ERR_NONE)
                put(out, "Error: %s\n", info->error.text);
        write_streams(out, info, view, "STDOUT:", "STDERR:", out_shown);
        write_notes(out, info);
        write_next(out, info, out_shown);
}

static void write_state_after_input(struct buf *out, const struct command_info *info,
                                    const struct text_shown *shown)
{
        if (command_state_is_final(info->state)) {
                put(out, "\n[the command ended: %s, exit status ", command_state_name(info->state));
                text_write_exit_status(out, info);
                put_text(out, "]\n");
        } else if (info->state == COMMAND_AWAITING) {
                put_text(out, "\n[waiting for input (");
                text_write_question(out, info);
                put_text(out, ")]\n");
                write_how_to_answer(out, info);
        } else {
                write_next(out, info, shown);
        }
}

void text_write_input(struct buf *out, const struct command_info *info,
                      const struct text_view *view, struct text_shown *out_shown)
{
        put_text(out, "Input sent successfully\n");
        size_t begin = out->len;
        write_streams(out, info, view, "Output:", "STDERR:", out_shown);
        if (out->len == begin)
                put_text(out, "\nNo immediate output received\n");
        write_notes(out, info);
        write_state_after_input(out, info, out_shown);
}

void text_write_busy(struct buf *out, const struct command_info *holder)
{
        put_text(out, "A command is already running or awaiting input in this session (");
        text_write_line(out, holder->session, QUESTION_MAX);
        put(out,
            ").\n"
            "Active Command ID: %s\n"
            "Active Command Status: %s\n"
            "This usually means a previous command timed out and continues in background "
            "monitoring.\n"
            "Next steps:\n"
            "- Check progress: get_command_status('%s')\n"
            "- Interrupt it: interrupt_command_by_id('%s')\n"
            "- Or wait until it completes before running another command.\n"
            "- Or run elsewhere on the same connection: session='other' for a second shell, "
            "isolated=true for this command alone.\n",
            holder->name, command_state_name(holder->state), holder->name, holder->name);
}
