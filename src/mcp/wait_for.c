#include "mcp/wait_for.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/regexp.h"
#include "base/scoped.h"
#include "mcp/answer.h"
#include "mcp/text.h"

#include <inttypes.h>
#include <string.h>

#define SLICE_MS     300 /* between two looks at a screen that does not come to rest */
#define LINE_ROWS_MAX (WIRE_SCREEN_CELLS_MAX * 4) /* bytes of a line that goes over several rows */

bool wait_for_take(struct call *call, struct err *err)
{
        bool has_text = args_has(&call->args, "wait_for");
        bool has_regexp = args_has(&call->args, "wait_for_regex");
        const char *name = has_regexp ? "wait_for_regex" : "wait_for";

        if (has_text && has_regexp)
                return err_set(err, ERR_INPUT, "wait_for and wait_for_regex are both given: give "
                                               "one of them; a|b in a regular expression is a or b.");
        if (!has_text && !has_regexp)
                return true;
        return seek_new(&call->seek, args_str(&call->args, name), has_regexp, err)
            || err_context(err, "%s", name);
}

int64_t wait_for_ms(const struct call *call)
{
        const json_t *given = json_object_get(call->arguments, "wait_s");
        bool is_given = given != NULL && !json_is_null(given);

        if (call->seek != NULL && !is_given)
                return WAIT_FOR_DEFAULT_S * 1000;
        return args_int(&call->args, "wait_s") * 1000;
}

/* ---- telling ---- */

static const char *reason_name(enum wait_reason reason)
{
        switch (reason) {
        case WAIT_FOUND:    return "found";
        case WAIT_ENDED:    return "ended";
        case WAIT_AWAITING: return "awaiting_input";
        case WAIT_DEADLINE: return "time";
        case WAIT_GONE:     return "gone";
        case WAIT_STOPPING: /* nobody who waits for a text asks for these */
        case WAIT_QUIET:
        case WAIT_TICK:     break;
        }
        bug("wait ended with %d", (int)reason);
}

static void write_reason(struct buf *out, const struct call *call, enum wait_reason reason,
                         const struct seek_match *match)
{
        const char *what = args_has(&call->args, "wait_for") ? "wait_for" : "wait_for_regex";

        (void)buf_printf(out, "\n[%s: ", what); /* what does not fit is not told: see TEXT_MAX */
        if (reason == WAIT_FOUND && call->is_on_screen)
                (void)buf_printf(out, "found on the screen: ");
        else if (reason == WAIT_FOUND)
                (void)buf_printf(out, "found at offset %" PRIu64 ": ", match->offset);
        else if (reason == WAIT_ENDED)
                (void)buf_append_str(out, "not found, the command ended");
        else if (reason == WAIT_AWAITING)
                (void)buf_append_str(out, "not found, the command waits for input");
        else if (reason == WAIT_GONE)
                (void)buf_append_str(out, "not found, the shell is gone");
        else
                (void)buf_printf(out, "not found within %" PRId64 " s", wait_for_ms(call) / 1000);
        if (reason == WAIT_FOUND)
                text_write_line(out, match->line, SEEK_SHOWN_MAX);
        (void)buf_append_str(out, "]\n");
}

static void append_text(json_t *result, struct str more)
{
        json_t *text = json_object_get(json_array_get(json_object_get(result, "content"), 0), "text");
        scoped_buf struct buf all;

        buf_init(&all, ANSWER_MAX);
        (void)buf_append(&all, json_string_value(text), json_string_length(text));
        (void)buf_append(&all, more.ptr, more.len);
        (void)json_string_setn(text, (const char *)all.data, all.len);
}

void wait_for_tell(const struct call *call, enum wait_reason reason, json_t *result)
{
        struct seek_match match = { .line = "" };
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        if (call->seek == NULL)
                return;
        if (seek_match(call->seek, &match))
                reason = WAIT_FOUND;
        write_reason(&text, call, reason, &match);
        append_text(result, buf_str(&text));
        json_t *facts = json_pack("{s:s}", "waited_for", reason_name(reason));
        if (reason == WAIT_FOUND)
                (void)json_object_set_new(facts, "line",
                                          answer_string(match.line, strlen(match.line)));
        if (reason == WAIT_FOUND && !call->is_on_screen)
                (void)json_object_set_new(facts, "offset", json_integer((json_int_t)match.offset));
        answer_set_meta(result, RESULT_META_WAIT, &facts);
}

/* ---- on a screen ---- */

/* Rows that are full go on with the next, as one line does. */
static bool is_on_screen(struct seek *seek, const struct screen_info *info)
{
        scoped_buf struct buf line;

        buf_init(&line, LINE_ROWS_MAX);
        for (size_t i = 0; i < info->row_count; i++) {
                (void)buf_append_str(&line, info->rows[i].text); /* full: the rest is not sought */
                if (info->rows[i].is_full && i + 1 < info->row_count)
                        continue;
                if (seek_in_line(seek, buf_str(&line)))
                        return true;
                buf_reset(&line);
        }
        return false;
}

static bool is_over(const struct call *call, const struct screen_info *info,
                    enum wait_reason *out_reason)
{
        struct command_info command;
        bool has_command = call->front.n != 0;

        if (is_on_screen(call->seek, info))
                *out_reason = WAIT_FOUND;
        else if (has_command && (!engine_info(call->engine, call->front, &command)
                                 || command_state_is_final(command.state)))
                *out_reason = WAIT_ENDED;
        else if (has_command && command.state == COMMAND_AWAITING)
                *out_reason = WAIT_AWAITING;
        else if (clock_now_ms() >= call->deadline_ms)
                *out_reason = WAIT_DEADLINE;
        else
                return false;
        return true;
}

/* Of the command that was in front when the wait began: it is the one that may end. */
bool wait_for_read_screen(struct call *call, call_screened *screened, struct err *err)
{
        int64_t left_ms = call->deadline_ms - clock_now_ms();
        bool is_first = !call->is_on_screen;
        struct screen_request request = { .wait_ms = left_ms > 0 ? left_ms : 0 };

        if (call->seek != NULL && request.wait_ms > SLICE_MS)
                request.wait_ms = SLICE_MS;
        call->is_on_screen = true;
        if (!call_read_screen(call, &request, screened, err))
                return false;
        if (is_first)
                call->front = call->command;
        else
                call->command = call->front;
        return true;
}

bool wait_for_next_screen(struct call *call, const struct screen_info *info,
                          call_screened *screened, enum wait_reason *out_reason)
{
        struct err err;

        *out_reason = WAIT_DEADLINE;
        if (call->seek == NULL || is_over(call, info, out_reason))
                return false;
        if (wait_for_read_screen(call, screened, &err))
                return true;
        *out_reason = WAIT_GONE;
        return false;
}
