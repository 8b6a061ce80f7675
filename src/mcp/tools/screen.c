/* read_screen and send_keys: both end in a look at the screen. */
#include "base/scoped.h"
#include "mcp/call.h"
#include "mcp/result.h"
#include "mcp/screen_text.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"
#include "mcp/wait_for.h"

#define KEYS_TEXT_MAX  4096
#define KEYS_WAIT_MAX  600    /* seconds */
#define RESIZE_WAIT_MS 1500   /* for programs to draw anew */
#define HOST_SHOWN     200    /* bytes */

static void show(struct call *call, const struct screen_info *info, const char *before,
                 enum wait_reason reason)
{
        struct command_info command;
        struct screen_view view = { .before = before,
                                    .max_lines = (size_t)args_int(&call->args, "max_lines"),
                                    .since = before == NULL ? args_int(&call->args, "since") : 0 };

        if (call->command.n != 0 && engine_info(call->engine, call->command, &command))
                view.command = &command;
        json_t *result = result_of_screen(info, &view);
        wait_for_tell(call, reason, result);
        call_reply(&call, &result);
}

/* ---- read_screen ---- */

static void screen_came(struct call *call, const struct screen_info *info, const struct err *err)
{
        if (err != NULL)
                call_fail(&call, err);
        else
                show(call, info, NULL, WAIT_DEADLINE);
}

/* "120x40" */
static bool parse_size(const char *text, struct screen_request *request, struct err *err)
{
        if (!wire_parse_screen_size(text, &request->columns, &request->rows))
                return err_set(err, ERR_INPUT,
                               "resize is COLUMNSxROWS, such as \"120x40\": at least %dx%d, at most "
                               "%d each way and %d characters together.",
                               WIRE_SCREEN_COLUMNS_MIN, WIRE_SCREEN_ROWS_MIN, WIRE_SCREEN_SIDE_MAX,
                               WIRE_SCREEN_CELLS_MAX);
        request->wait_ms = RESIZE_WAIT_MS;
        return true;
}

static void read_screen(struct call *call)
{
        const char *size = args_text(&call->args, "resize");
        struct screen_request request = {
                .scrollback = (uint32_t)args_int(&call->args, "scrollback"),
                .since = args_int(&call->args, "since"),
        };
        struct err err;

        if ((size != NULL && !parse_size(size, &request, &err))
            || !call_read_screen(call, &request, screen_came, &err))
                call_fail(&call, &err);
}

/* ---- send_keys ---- */

static void reaction_came(struct call *call, const struct screen_info *info, const struct err *err)
{
        const char *host = args_text(&call->args, "host");
        scoped_buf struct buf before;
        enum wait_reason reason;
        struct err why;

        buf_init(&before, TEXT_MAX);
        if (err != NULL) {
                (void)err_set(&why, err->code, "The keys were sent. Then: %s", err->text);
                call_fail(&call, &why);
                return;
        }
        if (wait_for_next_screen(call, info, reaction_came, &reason))
                return;
        (void)buf_append_str(&before, "Successfully sent keys to ");
        text_write_line(&before, host, HOST_SHOWN);
        show(call, info, (const char *)before.data, reason);
}

static void send_keys(struct call *call)
{
        struct session_ref session = call_session(call);
        struct str keys = args_str(&call->args, "keys");
        struct err err;

        if (!wait_for_take(call, &err)) {
                call_fail(&call, &err);
                return;
        }
        call->deadline_ms = call->started_ms + wait_for_ms(call);
        if (!engine_send_keys(call->engine, &session, keys.ptr, keys.len, &err)
            || !wait_for_read_screen(call, reaction_came, &err))
                call_fail(&call, &err);
}

#define ARG_MAX_LINES                                                                              \
        { .name = "max_lines", .kind = ARG_INT, .min = 1, .max = WIRE_SCREEN_SIDE_MAX,             \
          .fallback = "24", .help = "Most screen lines returned" }

const struct tool tool_read_screen = {
        .name = "read_screen",
        .title = "Look at the screen",
        .help = "Show a session's terminal: the screen of an editor, pager or menu, the cursor, "
                "what runs or waits. For plain output use read_output.",
        .args = (const struct arg[]) {
                ARG_HOST,
                ARG_USERNAME,
                ARG_PORT,
                ARG_MAX_LINES,
                ARG_SESSION,
                { .name = "scrollback", .kind = ARG_INT, .max = WIRE_SCREEN_BACK_MAX,
                  .fallback = "0", .help = "Lines above the screen, too" },
                { .name = "since", .kind = ARG_INT, .max = OFFSET_MAX, .fallback = "0",
                  .help = "From an earlier answer: only what changed" },
                { .name = "resize", .kind = ARG_STRING,
                  .help = "New size, such as 120x40" },
                { 0 } },
        .flags = TOOL_OPEN_WORLD,
        .run = read_screen,
};

const struct tool tool_send_keys = {
        .name = "send_keys",
        .title = "Press keys",
        .help = "Type in a session's terminal and return its screen. Keys are <enter> <esc> <tab> "
                "<ctrl-c> <alt-x> <f1> <up> <pagedown> <backspace> <shift-tab> …, <down*5> repeats, "
                "<< is a literal <; the rest is typed. Example: \"iHello<esc>:wq<enter>\"",
        .args = (const struct arg[]) {
                ARG_HOST,
                { .name = "keys", .kind = ARG_STRING, .required = true, .max = KEYS_TEXT_MAX,
                  .help = "Text and keys" },
                ARG_USERNAME,
                ARG_PORT,
                ARG_SESSION,
                { .name = "wait_s", .kind = ARG_INT, .max = KEYS_WAIT_MAX, .fallback = "2",
                  .help = "Seconds to wait for it" },
                ARG_MAX_LINES,
                ARG_WAIT_FOR,
                ARG_WAIT_FOR_REGEX,
                { 0 } },
        .flags = TOOL_DESTRUCTIVE | TOOL_OPEN_WORLD,
        .run = send_keys,
};
