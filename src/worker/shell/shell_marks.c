/*
 * What the shell prints, taken apart: marks, output of the running command, and the rest
 * (prompts, echo, what rc files say), which only tells whether a line editor is on.
 */
#include "base/log.h"
#include "worker/shell/shell_state.h"

#include <stdio.h>
#include <string.h>

/* Bracketed paste on or off (xterm's private mode 2004): follows the last bytes of the stream. */
static void watch_paste_mode(struct shell *shell, const char *bytes, size_t len)
{
        static const char sequence[] = "\x1B[?2004";
        const unsigned whole = sizeof sequence - 1;

        for (size_t i = 0; i < len; i++) {
                if (shell->paste_seen == whole && (bytes[i] == 'h' || bytes[i] == 'l'))
                        shell->paste_on = bytes[i] == 'h';
                if (shell->paste_seen < whole && bytes[i] == sequence[shell->paste_seen])
                        shell->paste_seen++;
                else
                        shell->paste_seen = bytes[i] == sequence[0];
        }
}

/* Outside of commands only the last line matters: it tells why a login failed, or what it asks. */
static void take_noise(struct shell *shell, struct str bytes)
{
        if (!clean_feed(&shell->noise, (const uint8_t *)bytes.ptr, bytes.len, &shell->noise_out))
                bug("a read of %zu bytes became too much text", bytes.len);
        struct str rest = buf_str(&shell->noise_out);
        struct str line;
        while (str_line(&rest, &line)) {
                if (line.len == 0 || line.len > JOB_PARTIAL_MAX)
                        continue;
                buf_reset(&shell->noise_last);
                (void)buf_append(&shell->noise_last, line.ptr, line.len); /* fits: looked at above */
        }
        buf_reset(&shell->noise_out);
}

void shell_give_held(struct shell *shell)
{
        struct entry *top = shell_top_entry(shell);

        if (shell->held.len > 0 && top != NULL)
                job_print(top->job, JOB_STDOUT, shell->held.data, shell->held.len);
        buf_reset(&shell->held);
}

/* Output of the command that runs; after Ctrl-C it may be the shell's prompt already. */
static void take_command_output(struct shell *shell, const struct entry *top, struct str bytes)
{
        bool may_be_prompt = (top->interrupted_ms != 0 || top->ctrl_c_typed) && shell->paste_on;

        if (may_be_prompt && buf_append(&shell->held, bytes.ptr, bytes.len))
                return;
        shell_give_held(shell);
        job_print(top->job, JOB_STDOUT, bytes.ptr, bytes.len);
}

static void take_text(struct shell *shell, struct str bytes, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);

        bytes = shell_without_prompt(shell, bytes, now_ms);
        if (bytes.len == 0)
                return;
        shell_show(shell, bytes.ptr, bytes.len, now_ms);
        watch_paste_mode(shell, bytes.ptr, bytes.len);
        if (shell->phase == SHELL_RUNNING && top != NULL && !top->is_muted && !top->end_asked) {
                take_command_output(shell, top, bytes);
                return;
        }
        if (shell->phase == SHELL_SETTLING)
                shell_set_phase(shell, SHELL_IDLE, now_ms);
        take_noise(shell, bytes);
}

/* The entry whose mark it is; depth if none. */
static unsigned find_entry(const struct shell *shell, const struct marker_event *mark)
{
        unsigned index = shell->depth;

        while (index > 0) {
                const struct entry *entry = &shell->entries[--index];
                if (str_is(mark->nonce, mark->kind == MARKER_START ? entry->start_nonce
                                                                   : entry->end_nonce))
                        return index;
        }
        return shell->depth;
}

static void on_start(struct shell *shell, int64_t now_ms)
{
        shell->levels[shell->depth - 1].is_fresh = false;
        shell_top_entry(shell)->started_ms = now_ms;
        shell_show_command(shell, now_ms);
        job_start(shell_top_entry(shell)->job, now_ms);
        shell_set_phase(shell, SHELL_RUNNING, now_ms);
        shell_ask_soon(shell, QUIET_FIRST_MS, now_ms);
}

static bool was_interrupted(const struct entry *entry, int64_t now_ms)
{
        return entry->interrupted_ms != 0 && now_ms - entry->interrupted_ms < INTERRUPT_MS;
}

void shell_end_entry(struct shell *shell, unsigned index, struct wire_end end, int64_t now_ms)
{
        shell_release_prompt(shell);
        char text[120] = "the nested shell that ran it has ended";

        if (end.status >= 0)
                (void)snprintf(text, sizeof text,
                               "the nested shell that ran it has ended, and the command that had "
                               "opened it with status %d", end.status);
        for (unsigned inner = shell->depth; inner-- > index + 1;) {
                struct wire_end with = {
                        .how = WIRE_HOW_UNKNOWN,
                        .status = -1,
                        .text = str_of(text),
                };
                job_end(shell->entries[inner].job, &with);
                job_free(shell->entries[inner].job);
        }
        struct entry *entry = &shell->entries[index];
        struct sudo *sudo = entry->job->sudo;
        if (was_interrupted(entry, now_ms)
            && (end.how == WIRE_HOW_EXITED || end.how == WIRE_HOW_UNKNOWN))
                end.how = WIRE_HOW_INTERRUPTED;
        if (sudo != NULL)
                (void)sudo_judge_end(sudo, /* is_piped= */ false, &end);
        job_end(entry->job, &end);
        job_free(entry->job);
        buf_reset(&shell->held);
        shell->depth = index;
        shell->open_levels = index + 1;
        shell->levels[index].last_status = end.status;
        shell_set_phase(shell, SHELL_SETTLING, now_ms);
}

static void on_end(struct shell *shell, unsigned index, const struct marker_event *mark,
                   int64_t now_ms)
{
        int status = driver_status(shell->levels[index].driver, mark->number);
        struct wire_end end = {
                .how = WIRE_HOW_EXITED,
                .status = status,
                .cwd = mark->rest,
        };

        if (shell->entries[index].end_asked && shell->entries[index].interrupted_ms == 0
            && !shell->entries[index].ctrl_c_typed)
                end.text = str_of("the shell gave up the command line at an error");
        shell_end_entry(shell, index, end, now_ms);
}

static void take_mark(struct shell *shell, const struct marker_event *mark, int64_t now_ms)
{
        unsigned index = find_entry(shell, mark);

        if (mark->kind == MARKER_END && shell->phase == SHELL_ASKING
            && str_is(mark->nonce, shell->ask_nonce))
                shell_on_name(shell, mark->rest, now_ms);
        else if (index == shell->depth)
                take_text(shell, mark->bytes, now_ms);
        else if (mark->kind == MARKER_END)
                on_end(shell, index, mark, now_ms);
        else if (shell->phase == SHELL_TYPED && index == shell->depth - 1)
                on_start(shell, now_ms);
}

void shell_take_output(struct shell *shell, const uint8_t *bytes, size_t len, int64_t now_ms)
{
        shell->last_output_ms = now_ms;
        shell->output_since_ask = true;
        for (;;) {
                struct marker_event event = marker_next(&shell->marker, &bytes, &len);
                switch (event.kind) {
                case MARKER_MORE: return;
                case MARKER_TEXT: take_text(shell, event.bytes, now_ms); break;
                case MARKER_START:
                case MARKER_END:  take_mark(shell, &event, now_ms); break;
                }
        }
}
