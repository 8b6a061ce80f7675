#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/screen_text.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"
#include "mcp/wait_for.h"

#define INPUT_MAX (64 * 1024) /* bytes; more is a file, not something to type */
#define QUIET_MS  300         /* output that pauses this long is taken for the reaction */

#define SHELL_LINES       24    /* of the screen, where nothing but the shell got the input */
#define SHELL_WAIT_MAX_MS 10000 /* a shell draws at once; it is quiet long before */
#define SHELL_GOT_IT                                                                               \
        "Input sent successfully\n\n[no command runs in this session: the shell itself got the "   \
        "input]"

/*
 * What is typed for the text: a newline is Enter, and Enter is CR; CR LF is one Enter. With
 * escapes the two characters \n and \r mean it, too, because callers write them so.
 */
static void write_keys(struct buf *out, struct str text, bool escapes)
{
        bool is_after_cr = false;

        for (size_t i = 0; i < text.len; i++) {
                char at = text.ptr[i];
                char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

                if (escapes && at == '\\' && (next == 'n' || next == 'r')) {
                        at = next == 'n' ? '\n' : '\r';
                        i++;
                }
                if (at != '\n' || !is_after_cr)
                        (void)buf_append_byte(out, (uint8_t)(at == '\n' ? '\r' : at));
                is_after_cr = at == '\r';
        }
}

/* FNV-1a: a line that is drawn over may look different and be as long as before. */
static uint64_t digest(struct str text)
{
        uint64_t hash = UINT64_C(0xCBF29CE484222325);

        for (size_t i = 0; i < text.len; i++)
                hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001B3);
        return hash;
}

static void note_seen(struct call *call, const struct command_info *info)
{
        if (call->seek != NULL)
                seek_from_now(call->seek, info->out);
        call->seen_total = output_total(info->out);
        call->seen_partial = digest(output_partial(info->out));
}

static void show(struct call *call, const struct command_info *info, enum wait_reason reason)
{
        struct text_view view = {
                .from = call->seen_total,
                .max = (size_t)args_int(&call->args, "max_chars"),
        };
        json_t *result = result_of_input(info, &view);

        wait_for_tell(call, reason, result);
        call_reply(&call, &result);
}

static void waited(struct call *call, enum wait_reason reason)
{
        struct command_info info;
        struct err err;

        if (reason == WAIT_GONE || !engine_info(call->engine, call->command, &info)) {
                (void)err_set(&err, ERR_STATE, "the input was sent; then the command was closed");
                call_fail(&call, &err);
                return;
        }
        bool is_silent = output_total(info.out) == call->seen_total
                         && digest(output_partial(info.out)) == call->seen_partial;
        if (reason == WAIT_QUIET && is_silent && clock_now_ms() < call->deadline_ms)
                call_wait(call, info.id, call->deadline_ms, QUIET_MS, waited); /* no reaction yet */
        else
                show(call, &info, reason);
}

static void wait_for_reaction(struct call *call, const struct command_info *info)
{
        int64_t wait_ms = wait_for_ms(call);
        int64_t quiet_ms = call->seek != NULL ? 0 : QUIET_MS;
        struct command_info now;

        if (wait_ms > 0 || call->seek != NULL)
                call_wait(call, info->id, call->started_ms + wait_ms, quiet_ms, waited);
        else if (engine_info(call->engine, info->id, &now))
                show(call, &now, WAIT_DEADLINE);
        else
                show(call, info, WAIT_DEADLINE);
}

static void send_input(struct call *call)
{
        scoped_buf struct buf keys;
        struct command_info info;
        struct err err;

        buf_init(&keys, INPUT_MAX);
        (void)buf_reserve(&keys, 1); /* so that no text is "", not NULL */
        write_keys(&keys, args_str(&call->args, "input_text"), true);
        if (!wait_for_take(call, &err) || !call_find_command(call, &info, &err)) {
                call_fail(&call, &err);
                return;
        }
        note_seen(call, &info);
        if (engine_input(call->engine, info.id, (const char *)keys.data, keys.len, &err))
                wait_for_reaction(call, &info);
        else
                call_fail(&call, &err);
}

/* Nothing of ours runs there, so there is no output: the screen is what can be told. */
static void shell_screen_came(struct call *call, const struct screen_info *info,
                              const struct err *err)
{
        struct screen_view view = { .before = SHELL_GOT_IT, .max_lines = SHELL_LINES };
        enum wait_reason reason;

        if (err != NULL) {
                call_reply_text(&call, str_of(SHELL_GOT_IT "\n"));
                return;
        }
        if (wait_for_next_screen(call, info, shell_screen_came, &reason))
                return;
        json_t *result = result_of_screen(info, &view);
        wait_for_tell(call, reason, result);
        call_reply(&call, &result);
}

static void show_shell(struct call *call)
{
        int64_t wait_ms = wait_for_ms(call);
        struct err err;

        if (call->seek == NULL && wait_ms > SHELL_WAIT_MAX_MS)
                wait_ms = SHELL_WAIT_MAX_MS;
        call->deadline_ms = call->started_ms + wait_ms;
        if (!wait_for_read_screen(call, shell_screen_came, &err))
                call_reply_text(&call, str_of(SHELL_GOT_IT "\n"));
}

static void send_session_input(struct call *call)
{
        struct session_ref session = call_session(call);
        scoped_buf struct buf keys;
        struct command_info info;
        struct err err;
        command_id id;

        buf_init(&keys, INPUT_MAX);
        (void)buf_reserve(&keys, 1);
        write_keys(&keys, args_str(&call->args, "input_text"), false);
        if (!wait_for_take(call, &err)
            || !engine_session_input(call->engine, &session, (const char *)keys.data, keys.len,
                                     &id, &err)) {
                call_fail(&call, &err);
                return;
        }
        if (id.n == 0 || !engine_info(call->engine, id, &info)) {
                show_shell(call);
                return;
        }
        note_seen(call, &info); /* nothing was read since the input was sent */
        wait_for_reaction(call, &info);
}

#define ARG_WAIT                                                                                   \
        { .name = "wait_s", .kind = ARG_INT, .max = WAIT_MAX_S, .fallback = "2",                   \
          .help = "Seconds to wait for a reaction" }

const struct tool tool_send_input = {
        .name = "send_input",
        .title = "Answer a command",
        .help = "Type into a running command that waits for input: an answer, a password, keys for "
                "an editor or pager. The two characters \\n (or a newline) press Enter. Returns "
                "what the command printed then. Example: "
                "{\"command_id\":\"…\",\"input_text\":\"yes\\\\n\"}",
        .args = (const struct arg[]) {
                ARG_COMMAND_ID,
                { .name = "input_text", .kind = ARG_STRING, .required = true, .max = INPUT_MAX,
                  .may_be_empty = true, .may_hold_nul = true,
                  .help = "What to type; \\n is Enter" },
                ARG_WAIT,
                ARG_MAX_CHARS,
                ARG_WAIT_FOR,
                ARG_WAIT_FOR_REGEX,
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_OPEN_WORLD,
        .run = send_input,
};

const struct tool tool_send_input_by_session = {
        .name = "send_input_by_session",
        .title = "Type into a session",
        .help = "Type text as it is into whatever runs in a host's session; a newline presses "
                "Enter. Prefer send_input or send_keys.",
        .args = (const struct arg[]) {
                ARG_HOST,
                { .name = "input_text", .kind = ARG_STRING, .required = true, .max = INPUT_MAX,
                  .may_be_empty = true, .may_hold_nul = true, .help = "What to type" },
                ARG_USERNAME,
                ARG_PORT,
                ARG_SESSION,
                ARG_WAIT,
                ARG_MAX_CHARS,
                ARG_WAIT_FOR,
                ARG_WAIT_FOR_REGEX,
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_OPEN_WORLD,
        .run = send_session_input,
};
