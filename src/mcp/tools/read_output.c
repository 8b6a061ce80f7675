#include "base/scoped.h"
#include "mcp/call.h"
#include "mcp/grep.h"
#include "mcp/result.h"
#include "mcp/tools/common.h"
#include "mcp/tools/rows.h"

#include <inttypes.h>
#include <string.h>

#define TAIL_MAX 100000 /* lines; max_chars cuts long before */

static void put_ending(struct buf *out)
{
        if (out->len > 0 && out->data[out->len - 1] != '\n')
                (void)buf_append_byte(out, '\n'); /* TEXT_MAX is above any excerpt */
}

static void write_page(struct buf *out, const struct excerpt_spec *spec, struct excerpt *shown)
{
        uint64_t total = output_total(spec->output);

        excerpt_page(out, spec, shown);
        put_ending(out);
        if (out->len > 0)
                (void)buf_append_byte(out, '\n');
        if (spec->from > total)
                (void)buf_printf(out, "[offset %" PRIu64 " is beyond the end, %" PRIu64 "]\n",
                                 spec->from, total);
        else if (shown->next < total)
                (void)buf_printf(out, "[bytes %" PRIu64 " to %" PRIu64 " of %" PRIu64
                                      "; read_output('%s', %soffset=%" PRIu64 ") goes on]\n",
                                 spec->from, shown->next, total, spec->command,
                                 spec->is_stderr ? "stream='stderr', " : "", shown->next);
        else
                (void)buf_printf(out, "[bytes %" PRIu64 " to %" PRIu64 ", the end so far]\n",
                                 spec->from, shown->next);
}

static void write_tail(struct buf *out, const struct excerpt_spec *spec, unsigned lines,
                       struct excerpt *shown)
{
        excerpt_tail(out, spec, lines, shown);
        put_ending(out);
        if (out->len > 0)
                (void)buf_append_byte(out, '\n');
        (void)buf_printf(out, "[the end of %" PRIu64 " bytes]\n", shown->next);
}

static void write_grep_summary(struct buf *out, const struct excerpt_spec *spec,
                               const struct grep_result *result)
{
        if (result->matches == 0)
                (void)buf_printf(out, "[no match in %" PRIu64 " lines]\n", result->lines);
        else if (result->shown < result->matches)
                (void)buf_printf(out, "[%" PRIu64 " of %" PRIu64 " lines match, the first %" PRIu64
                                      " are shown as line:offset:text; offset=%" PRIu64
                                      " goes on]\n",
                                 result->matches, result->lines, result->shown, result->next);
        else
                (void)buf_printf(out, "[%" PRIu64 " of %" PRIu64
                                      " lines match; shown as line:offset:text]\n",
                                 result->matches, result->lines);
        if (result->has_gap)
                (void)buf_printf(out, "[%" PRIu64 " bytes in the middle were dropped; line numbers "
                                      "after them are too small]\n",
                                 output_dropped(spec->output));
}

static void write_grep(struct buf *out, const struct excerpt_spec *spec, const struct args *args,
                       struct excerpt *shown)
{
        struct str partial = output_partial(spec->output);
        scoped_buf struct buf found;
        struct grep_spec grep = {
                .output = spec->output,
                .needle = args_str(args, "grep"),
                .from = spec->from,
                .context = (unsigned)args_int(args, "context"),
                .max = spec->max,
        };
        struct grep_result result;

        buf_init(&found, TEXT_MAX / 2);
        grep_write(&found, &grep, &result);
        write_grep_summary(out, spec, &result);
        (void)buf_append(out, found.data, found.len);
        if (spec->with_partial
            && memmem(partial.ptr, partial.len, grep.needle.ptr, grep.needle.len) != NULL)
                (void)buf_printf(out, "[the unfinished last line matches, too: %.*s]\n",
                                 (int)partial.len, partial.ptr);
        shown->next = result.next > 0 ? result.next : output_total(spec->output);
        shown->is_cut = result.next > 0;
}

/* Which stream, or why not. */
static struct output *find_stream(const struct args *args, const struct command_info *info,
                                  struct err *err)
{
        const char *stream = args_text(args, "stream");

        if (strcmp(stream, "stdout") == 0)
                return info->out;
        if (strcmp(stream, "stderr") != 0)
                (void)err_set(err, ERR_INPUT, "stream has to be stdout or stderr");
        else if (info->err != NULL)
                return info->err;
        else
                (void)err_set(err, ERR_INPUT,
                              "only isolated commands have a stderr of their own; here it is part "
                              "of stdout");
        return NULL;
}

static bool check_grep(const struct args *args, struct err *err)
{
        struct str needle = args_str(args, "grep");

        if (needle.len > 0 && memchr(needle.ptr, '\n', needle.len) != NULL)
                return err_set(err, ERR_INPUT, "grep looks within lines: leave the newline out");
        if (needle.len > 0 && args_has(args, "tail"))
                return err_set(err, ERR_INPUT, "grep and tail don't go together: take one of them");
        return true;
}

static void read_stream(struct call *call)
{
        const struct args *args = &call->args;
        scoped_buf struct buf text;
        struct text_shown shown = { 0 };
        struct command_info info;
        struct err err;
        struct output *output;

        buf_init(&text, TEXT_MAX);
        if (!check_grep(args, &err) || !call_find_command(call, &info, &err)
            || (output = find_stream(args, &info, &err)) == NULL) {
                call_fail(&call, &err);
                return;
        }
        struct excerpt_spec spec = {
                .output = output,
                .command = info.name,
                .is_stderr = output == info.err,
                .from = (uint64_t)args_int(args, "offset"),
                .max = (size_t)args_int(args, "max_chars"),
                .with_partial = !command_state_is_final(info.state),
        };
        if (args_has(args, "grep"))
                write_grep(&text, &spec, args, &shown.out);
        else if (args_has(args, "tail"))
                write_tail(&text, &spec, (unsigned)args_int(args, "tail"), &shown.out);
        else
                write_page(&text, &spec, &shown.out);
        shown.is_cut = shown.out.is_cut || shown.out.next < output_total(output);
        json_t *result = result_with_facts(buf_str(&text), false, &info, &shown);
        call_reply(&call, &result);
}

const struct tool tool_read_output = {
        .name = "read_output",
        .title = "Read a command's output",
        .help = "Read all of a command's output piece by piece, also while it runs: a page from "
                "offset on, the last lines (tail), or the lines that hold a text (grep). Use it "
                "when a result says that characters were left out. Example: {\"command_id\":\"…\",\"grep\":\"error\"}",
        .args = (const struct arg[]) {
                ARG_COMMAND_ID,
                { .name = "offset", .kind = ARG_INT, .max = OFFSET_MAX, .fallback = "0",
                  .help = "First byte to return" },
                ARG_MAX_CHARS,
                { .name = "tail", .kind = ARG_INT, .min = 1, .max = TAIL_MAX,
                  .help = "Only the last lines" },
                { .name = "grep", .kind = ARG_STRING, .max = GREP_NEEDLE_MAX,
                  .help = "Only lines with this plain text" },
                { .name = "context", .kind = ARG_INT, .max = GREP_CONTEXT_MAX, .fallback = "2",
                  .help = "Lines around a match" },
                { .name = "stream", .kind = ARG_STRING, .fallback = "stdout",
                  .help = "stdout, or stderr of an isolated command" },
                { 0 } },
        .flags = TOOL_READ_ONLY,
        .run = read_stream,
};
