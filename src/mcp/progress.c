#include "mcp/progress.h"

#include "base/utf8.h"
#include "mcp/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOK_BACK 512 /* bytes from the output's end in which its last line is looked for */

void progress_init(struct progress *progress, json_t *token)
{
        *progress = (struct progress){ .token = json_incref(token) };
}

void progress_fini(struct progress *progress)
{
        json_decref(progress->token);
        progress->token = NULL;
}

/* The last line that is not blank. */
static struct str last_line(struct str text)
{
        text = str_trim(text);
        const char *end = str_find_last(text, '\n');

        if (end != NULL) {
                text.len -= (size_t)(end + 1 - text.ptr);
                text.ptr = end + 1;
        }
        return str_trim(text);
}

/* Writes the line the user would see now, cut, without control characters. */
static void write_line(char out[PROGRESS_LINE_MAX + 1], const struct command_info *info)
{
        char end[LOOK_BACK];
        uint64_t total = output_total(info->out);
        uint64_t skipped;
        struct str line = str_trim(output_partial(info->out));

        if (line.len == 0) {
                size_t len = output_read(info->out, total > LOOK_BACK ? total - LOOK_BACK : 0, end,
                                         LOOK_BACK, &skipped);

                line = last_line((struct str){ end, len });
        }
        if (line.len > PROGRESS_LINE_MAX)
                line.len = utf8_cut(line.ptr, PROGRESS_LINE_MAX);
        for (size_t i = 0; i < line.len; i++) {
                unsigned char byte = (unsigned char)line.ptr[i];

                out[i] = byte < ' ' || byte == 0x7F ? ' ' : line.ptr[i];
        }
        out[line.len] = '\0';
}

static bool is_due(const struct progress *progress, int64_t elapsed_ms, bool is_flowing)
{
        if (progress->sent_ms == 0)
                return elapsed_ms >= PROGRESS_FIRST_MS;
        return elapsed_ms - progress->sent_ms
               >= (is_flowing ? PROGRESS_FLOW_MS : PROGRESS_QUIET_MS);
}

json_t *progress_due(struct progress *progress, int64_t elapsed_ms,
                     const struct command_info *info)
{
        uint64_t total = output_total(info->out);
        size_t partial = output_partial(info->out).len;
        bool is_flowing = total != progress->seen_total || partial != progress->seen_partial;
        char line[PROGRESS_LINE_MAX + 1] = "not started yet";
        char message[PROGRESS_LINE_MAX + 32];

        if (progress->token == NULL || !is_due(progress, elapsed_ms, is_flowing))
                return NULL;
        progress->sent_ms = elapsed_ms;
        progress->seen_total = total;
        progress->seen_partial = partial;
        if (info->state != COMMAND_QUEUED)
                write_line(line, info);
        int len = snprintf(message, sizeof message, "%" PRId64 " s%s%s", elapsed_ms / 1000,
                           line[0] != '\0' ? " | " : "", line);
        return json_pack("{s:O,s:I,s:o}", "progressToken", progress->token, "progress",
                         (json_int_t)elapsed_ms, "message", answer_string(message, (size_t)len));
}
