/*
 * The shell's life: opening, reading, typing, closing. What the bytes mean is in shell_marks.c,
 * what the kernel says and what is done about it in shell_watch.c.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/scoped.h"
#include "worker/shell/shell_state.h"

#include <stdlib.h>
#include <string.h>

#define READ_PIECE    (32 * 1024)       /* bytes; a packet's usual size */
#define NOISE_MAX     (4 * 1024 * 1024) /* bytes; three times what one read can become, and more */
#define LINE_MAX_ALL  (8 * 1024 * 1024) /* bytes of a wrapper: a command of 1 MiB, spelled in octal */
#define EXIT_WAIT_MS  500               /* between the exit status and the channel's close */

struct shell *shell_new(const struct shell_config *config, int64_t now_ms)
{
        struct shell *shell = xcalloc(1, sizeof *shell);
        struct session_channel_request request = {
                .columns = config->columns,
                .rows = config->rows,
                .is_held = true,
                .env = config->env,
        };

        shell->config = *config;
        shell->open_levels = 1;
        shell->levels[0] = (struct level){ .last_status = -1, .is_fresh = true };
        shell->has_probe = true;
        shell->pause_ms = STARTING_ASK_MS;
        shell->phase_since_ms = now_ms;
        shell->last_output_ms = now_ms;
        marker_init(&shell->marker);
        clean_init(&shell->noise, CLEAN_TTY);
        buf_init(&shell->noise_out, NOISE_MAX);
        buf_init(&shell->noise_last, JOB_PARTIAL_MAX);
        buf_init(&shell->held, READ_PIECE);
        shell->channel = session_channel_new(config->ssh, &request, now_ms);
        return shell;
}

void shell_free(struct shell *shell)
{
        if (shell == NULL)
                return;
        while (shell->depth > 0)
                job_free(shell->entries[--shell->depth].job);
        job_free(shell->waiting);
        session_channel_free(shell->channel);
        view_fini(&shell->view);
        clean_fini(&shell->noise);
        buf_fini(&shell->noise_out);
        buf_fini(&shell->noise_last);
        buf_fini(&shell->held);
        free(shell);
}

void shell_start(struct shell *shell, int64_t now_ms)
{
        shell->phase_since_ms = now_ms;
        shell->last_output_ms = now_ms;
        session_channel_start(shell->channel, now_ms);
}

bool shell_is_held(const struct shell *shell)
{
        return session_channel_is_held(shell->channel);
}

bool shell_is_being_found(const struct shell *shell, int64_t now_ms)
{
        return shell->phase == SHELL_STARTING && shell->has_probe && shell->levels[0].pid == 0
            && !shell_is_held(shell) && now_ms - shell->phase_since_ms < SHELL_FIND_MS;
}

uint64_t shell_id(const struct shell *shell)
{
        return shell->config.id;
}

bool shell_is_over(const struct shell *shell)
{
        return shell->phase == SHELL_OVER;
}

long long shell_pid(const struct shell *shell)
{
        return shell->levels[0].pid;
}

long long shell_stack(const struct shell *shell)
{
        return shell->levels[0].stack;
}

struct entry *shell_top_entry(struct shell *shell)
{
        return shell->depth > 0 ? &shell->entries[shell->depth - 1] : NULL;
}

bool shell_has_job(const struct shell *shell, uint64_t job_id)
{
        for (unsigned i = 0; i < shell->depth; i++)
                if (shell->entries[i].job->id == job_id)
                        return true;
        return shell->waiting != NULL && shell->waiting->id == job_id;
}

void shell_set_phase(struct shell *shell, enum shell_phase phase, int64_t now_ms)
{
        shell->phase = phase;
        shell->phase_since_ms = now_ms;
        shell->phase_count++;
        shell->confirmations = 0;
}

/* Makes the next question to the kernel due in in_ms, with the short pause again. */
void shell_ask_soon(struct shell *shell, int64_t in_ms, int64_t now_ms)
{
        shell->pause_ms = in_ms;
        shell->ask_after_ms = now_ms + in_ms;
        shell->confirmations = 0;
}

/* ---- typing ---- */

void shell_type(struct shell *shell, const void *bytes, size_t len)
{
        if (!session_channel_write(shell->channel, bytes, len))
                log_warn("a shell's terminal takes no more input: %zu bytes dropped", len);
}

/* Does the command use the shell's own means to read a line? */
static bool reads_line(const struct buf *text, const struct driver *driver)
{
        const char *word = driver->language == DRIVER_CSH ? "$<" : "read";

        return text->len > 0 && memmem(text->data, text->len, word, strlen(word)) != NULL;
}

static void refuse(struct shell *shell, struct job **job, enum wire_how how, const char *why)
{
        struct wire_end end = { .how = how, .status = -1, .text = str_of(why) };

        (void)shell;
        job_end(*job, &end);
        job_free(*job);
        *job = NULL;
}

/* Types the waiting command into the shell that is at its prompt now. */
void shell_type_waiting(struct shell *shell, int64_t now_ms)
{
        struct level *level = &shell->levels[shell->depth];
        struct entry entry = { .job = shell->waiting };
        struct buf line;

        if (level->driver == NULL) { /* behind a relay */
                shell_ask_name(shell, now_ms);
                return;
        }
        entry.wants_line = reads_line(&entry.job->text, level->driver);
        random_token(entry.start_nonce, MARKER_START_LEN);
        random_token(entry.end_nonce, MARKER_END_LEN);

        struct wrapper wrapper = {
                .driver = level->driver,
                .status_before = level->last_status,
                .is_first = level->is_fresh,
                .command = buf_str(&entry.job->text),
                .sudo = entry.job->sudo,
        };
        memcpy(wrapper.start_nonce, entry.start_nonce, sizeof wrapper.start_nonce);
        memcpy(wrapper.end_nonce, entry.end_nonce, sizeof wrapper.end_nonce);
        buf_init(&line, LINE_MAX_ALL);
        if (wrapper_write(&line, &wrapper)) {
                if (shell->depth > 0)
                        shell->entries[shell->depth - 1].is_muted = true;
                shell->entries[shell->depth++] = entry;
                shell->waiting = NULL;
                shell_type(shell, line.data, line.len);
                shell->lf_tried = false;
                shell_set_phase(shell, SHELL_TYPED, now_ms);
                shell_ask_soon(shell, QUIET_FIRST_MS, now_ms);
        } else {
                refuse(shell, &shell->waiting, WIRE_HOW_REFUSED, level->driver->language == DRIVER_CSH
                        ? "csh takes no word of more than 1,024 bytes, and this command has one: give it "
                          "blanks or newlines, or use isolated: true"
                        : "the command is too long to be typed");
        }
        buf_fini(&line);
}

void shell_run(struct shell *shell, struct job **job, int64_t now_ms)
{
        if (shell->waiting != NULL || shell->depth == SHELL_DEPTH_MAX
            || shell->phase == SHELL_OVER) {
                refuse(shell, job, WIRE_HOW_REFUSED, "the shell is busy");
                return;
        }
        shell->waiting = *job;
        *job = NULL;
        if (shell->phase == SHELL_IDLE)
                shell_type_waiting(shell, now_ms);
        if (shell->phase == SHELL_FOREIGN) { /* it may have become a shell since */
                shell_set_phase(shell, SHELL_STARTING, now_ms);
                shell_ask_soon(shell, 0, now_ms);
        }
}

void shell_refuse_waiting(struct shell *shell, const char *why)
{
        refuse(shell, &shell->waiting, WIRE_HOW_REFUSED, why);
}

void shell_input(struct shell *shell, const void *bytes, size_t len, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);

        shell_type(shell, bytes, len);
        if (top == NULL) { /* it runs what nobody knows of: see that it is back before typing */
                if (shell->phase == SHELL_IDLE || shell->phase == SHELL_SETTLING) {
                        shell_set_phase(shell, SHELL_STARTING, now_ms);
                        shell_ask_soon(shell, STARTING_ASK_MS, now_ms);
                }
                return;
        }
        if (top->job->sudo != NULL && top->job->sudo->step == SUDO_BEGINS)
                sudo_give_up(top->job->sudo, "something else was typed before");
        if (memchr(bytes, CTRL_C, len) != NULL && !shell->levels[shell->depth - 1].is_remote)
                top->ctrl_c_typed = true;
        top->is_muted = false;
        top->is_foreign = false;
        top->was_answered = true;
        top->job->awaiting = WIRE_AWAITING_NOTHING; /* the supervisor says the same by itself */
        if (shell->phase == SHELL_IDLE) { /* into a nested shell at its prompt */
                shell->open_levels = shell->depth;
                shell_set_phase(shell, SHELL_RUNNING, now_ms);
        }
        shell_ask_soon(shell, QUIET_FIRST_MS, now_ms);
}

void shell_interrupt_waiting(struct shell *shell)
{
        refuse(shell, &shell->waiting, WIRE_HOW_INTERRUPTED, "it had not started");
}

/* ---- the end ---- */

static void tell_shell_ended(struct shell *shell, const struct wire_end *end, int64_t now_ms)
{
        if (!wire_write_end(shell->config.frames, WIRE_SHELL_ENDED, shell->config.id, end))
                bug("no room for a shell's end");
        shell_set_phase(shell, SHELL_OVER, now_ms);
}

/* All commands end with the shell, the innermost first, then the shell itself. */
void shell_end_over(struct shell *shell, const struct wire_end *end, int64_t now_ms)
{
        struct wire_end inner = *end;

        inner.shell_gone = 1;
        if (shell->depth > 1) { /* only the login shell's own command has the shell's status */
                inner.how = end->how == WIRE_HOW_EXITED || end->how == WIRE_HOW_SIGNALED
                                  ? WIRE_HOW_UNKNOWN
                                  : end->how;
                inner.status = -1;
                inner.signal = str_of("");
        }
        if (shell->waiting != NULL)
                refuse(shell, &shell->waiting, WIRE_HOW_REFUSED,
                       end->text.len > 0 ? end->text.ptr : "the shell ended before it could run");
        while (shell->depth > 0) {
                struct entry *entry = &shell->entries[--shell->depth];
                struct wire_end own = shell->depth == 0 ? *end : inner;
                own.shell_gone = 1;
                if (own.text.len == 0)
                        own.text = str_of("the command ended its shell");
                if (!entry->job->started && own.how != WIRE_HOW_LOST) { /* typed, but not taken */
                        own.how = WIRE_HOW_REFUSED;
                        own.status = -1;
                }
                if (entry->interrupted_ms != 0 && own.how != WIRE_HOW_LOST)
                        own.how = WIRE_HOW_INTERRUPTED;
                if (entry->job->sudo != NULL)
                        (void)sudo_judge_end(entry->job->sudo, /* is_piped= */ false, &own);
                job_end(entry->job, &own);
                job_free(entry->job);
        }
        tell_shell_ended(shell, end, now_ms);
}

void shell_close(struct shell *shell)
{
        struct wire_end end = {
                .how = WIRE_HOW_INTERRUPTED,
                .status = -1,
                .text = str_of("its session was closed"),
        };

        shell_end_over(shell, &end, shell->phase_since_ms);
}

/* What the closed channel tells; the text is the last thing said when nothing ever ran. */
static void end_with_channel(struct shell *shell, int64_t now_ms)
{
        struct session_channel_end seen = session_channel_end(shell->channel);
        struct wire_end end = { .how = WIRE_HOW_LOST, .status = -1 };
        scoped_free char *said = NULL;

        if (seen.status >= 0) {
                end.how = WIRE_HOW_EXITED;
                end.status = seen.status & 0xFF;
        } else if (seen.signal[0] != 0) {
                end.how = WIRE_HOW_SIGNALED;
                end.signal = str_of(seen.signal);
        } else {
                end.text = str_of("the server closed the shell's channel without an exit status");
        }
        if (shell->phase == SHELL_STARTING || shell->phase == SHELL_ASKING) {
                struct str last = clean_partial(&shell->noise);
                if (last.len == 0)
                        last = buf_str(&shell->noise_last);
                said = xasprintf("the login shell ended (status %d) before it took a command; it said: %.*s",
                                 end.status, (int)last.len, last.len > 0 ? last.ptr : "nothing");
                end.how = WIRE_HOW_REFUSED;
                end.text = str_of(said);
        }
        shell_end_over(shell, &end, now_ms);
}

/* ---- the turn ---- */

static size_t read_channel(struct shell *shell, size_t budget, int64_t now_ms)
{
        uint8_t bytes[READ_PIECE];
        size_t taken = 0;
        size_t n;

        while (taken < budget && shell->phase != SHELL_OVER
               && (n = session_channel_read(shell->channel, false, bytes, sizeof bytes)) > 0) {
                taken += n;
                shell_take_output(shell, bytes, n, now_ms);
        }
        return taken;
}

static void look_at_channel(struct shell *shell, bool has_read, int64_t now_ms)
{
        struct session_channel_end seen = session_channel_end(shell->channel);
        bool has_end = seen.status >= 0 || seen.signal[0] != 0;

        if (has_end && (shell->exit_seen_ms == 0 || has_read))
                shell->exit_seen_ms = now_ms;
        if (session_channel_state(shell->channel) == SESSION_CHANNEL_FAILED) {
                struct wire_end end = {
                        .how = WIRE_HOW_REFUSED,
                        .status = -1,
                        .text = str_of(session_channel_error(shell->channel)),
                };
                shell_end_over(shell, &end, now_ms);
        } else if (session_channel_state(shell->channel) == SESSION_CHANNEL_CLOSED
                   || (has_end && now_ms - shell->exit_seen_ms >= EXIT_WAIT_MS)) {
                end_with_channel(shell, now_ms);
        }
}

/* Without a probe nobody can tell when rc files are done: at a prompt's sign, or after a pause. */
static void ask_when_due(struct shell *shell, int64_t now_ms)
{
        bool is_open = session_channel_state(shell->channel) == SESSION_CHANNEL_OPEN;

        if (shell->phase == SHELL_STARTING && !shell->has_probe && is_open
            && (shell->paste_on || now_ms - shell->last_output_ms >= HINT_MS)) {
                if (shell->is_no_login && !shell->paste_on)
                        shell_give_up_asking(shell, now_ms);
                else
                        shell_ask_name(shell, now_ms);
        } else if (shell->phase == SHELL_ASKING && now_ms - shell->phase_since_ms >= NAME_MS) {
                shell_give_up_asking(shell, now_ms);
        }
}

static void do_what_is_due(struct shell *shell, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);

        ask_when_due(shell, now_ms);
        if (shell->phase == SHELL_SETTLING && now_ms - shell->phase_since_ms >= SETTLE_MS)
                shell_set_phase(shell, SHELL_IDLE, now_ms);
        if (shell->phase == SHELL_IDLE && shell->waiting != NULL)
                shell_type_waiting(shell, now_ms);
        if (shell->phase == SHELL_RUNNING && top != NULL)
                job_tell_partial(top->job, now_ms, false);
        shell_turn_interrupts(shell, now_ms);
        if (shell->phase == SHELL_RUNNING && top != NULL && !shell->has_probe && shell->paste_on
            && top->interrupted_ms != 0 && !top->end_asked)
                shell_ask_for_status(shell, now_ms); /* the one hint there is: an editor is on */
        if (shell->phase == SHELL_RUNNING && top != NULL && top->end_asked
            && now_ms - shell->phase_since_ms >= END_ONLY_MS) {
                struct wire_end end = {
                        .how = WIRE_HOW_UNKNOWN,
                        .status = -1,
                        .text = str_of("the shell is back at its prompt and told no status"),
                };
                shell_end_entry(shell, shell->depth - 1, end, now_ms);
        }
}

void shell_turn(struct shell *shell, size_t budget, int64_t now_ms)
{
        if (shell->phase == SHELL_OVER || shell_is_held(shell))
                return;
        session_channel_turn(shell->channel, now_ms);
        if (shell->view.screen != NULL && budget > VIEW_TURN_BYTES)
                budget = VIEW_TURN_BYTES;
        size_t taken = read_channel(shell, budget, now_ms);
        session_channel_turn(shell->channel, now_ms);
        look_at_channel(shell, taken > 0, now_ms);
        if (shell->phase != SHELL_OVER)
                do_what_is_due(shell, now_ms);
        if (shell->phase != SHELL_OVER)
                shell_turn_screen(shell, now_ms);
}

static int64_t min_of(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

int64_t shell_deadline_ms(const struct shell *shell)
{
        int64_t due = session_channel_deadline_ms(shell->channel);

        if (shell_is_held(shell))
                return INT64_MAX;
        due = min_of(due, shell_screen_due_ms(shell));
        if (shell->exit_seen_ms != 0)
                due = min_of(due, shell->exit_seen_ms + EXIT_WAIT_MS);
        if (shell->phase == SHELL_SETTLING)
                due = min_of(due, shell->phase_since_ms + SETTLE_MS);
        if (shell->phase == SHELL_ASKING)
                due = min_of(due, shell->phase_since_ms + NAME_MS);
        if (shell->phase == SHELL_STARTING && !shell->has_probe)
                due = min_of(due, shell->last_output_ms + HINT_MS);
        if (shell->phase == SHELL_RUNNING && shell->depth > 0) {
                const struct entry *top = &shell->entries[shell->depth - 1];
                if (shell->output_since_ask || clean_partial(&top->job->out).len > 0)
                        due = min_of(due, top->job->partial_due_ms);
                if (top->end_asked)
                        due = min_of(due, shell->phase_since_ms + END_ONLY_MS);
        }
        due = min_of(due, shell_interrupt_due_ms(shell));
        return min_of(due, shell_ask_due_ms(shell));
}
