#include "worker/shell/shell_screen.h"

#include "base/log.h"
#include "worker/shell/shell_state.h"

#include <stdio.h>
#include <string.h>

#define ANSWERS_MS        1000
#define ANSWERS_IN_WINDOW 20   /* answers to a terminal's questions; more are dropped */
#define ANSWER_ASK_MS     20   /* from a question to the terminal until the kernel is asked */
#define ENDED_QUIET_MS    60   /* after a command's end, for the prompt */
#define ASKED_QUIET_MS    100  /* no less: an answer of the kernel's may be from before the keys */
#define COMMAND_SHOWN_MAX 1000 /* bytes; of a longer command only its size: half a secret is not recognised */

void view_fini(struct view *view)
{
        screen_free(view->screen);
}

/* ---- the emulator ---- */

static void feed_ring(struct view *view, uint64_t from, uint64_t to)
{
        while (from < to) {
                size_t len;
                const uint8_t *bytes = ring_piece(&view->ring, from, &len);
                if (len > to - from)
                        len = (size_t)(to - from);
                screen_feed(view->screen, bytes, len);
                from += len;
        }
}

/* What was asked before the command in front began is not for it to be answered. */
static struct screen *get_screen(struct shell *shell, int64_t now_ms)
{
        struct view *view = &shell->view;
        uint64_t begin = ring_begin(&view->ring);
        uint64_t command_at = view->command_at > begin ? view->command_at : begin;

        view->unused = 0;
        if (view->screen != NULL)
                return view->screen;
        view->screen = screen_new(shell->config.columns, shell->config.rows,
                                  now_ms > 0 ? now_ms : 1);
        if (view->screen == NULL) {
                log_warn("no memory for the emulator of a %ux%u terminal", shell->config.columns,
                         shell->config.rows);
                return NULL;
        }
        feed_ring(view, begin, command_at);
        screen_drop_answers(view->screen);
        feed_ring(view, command_at, view->ring.total);
        return view->screen;
}

static bool is_waited_for(const struct view *view)
{
        for (size_t i = 0; i < VIEW_READS_MAX; i++)
                if (view->reads[i].asked.ticket != 0)
                        return true;
        return false;
}

static void feed_screen(struct shell *shell, const void *bytes, size_t len, int64_t now_ms)
{
        struct view *view = &shell->view;

        screen_feed(view->screen, bytes, len);
        view->unused += len;
        if (screen_answers(view->screen).len > 0 && shell->phase != SHELL_IDLE)
                shell_ask_soon(shell, ANSWER_ASK_MS, now_ms);
        if (view->unused < VIEW_IDLE_BYTES || view->takes_keys || is_waited_for(view)
            || screen_is_alternate(view->screen))
                return;
        screen_free(view->screen);
        view->screen = NULL;
}

void shell_show(struct shell *shell, const void *bytes, size_t len, int64_t now_ms)
{
        const struct entry *top = shell_top_entry(shell);
        bool is_ours = shell->phase == SHELL_TYPED || shell->phase == SHELL_ASKING
                    || (top != NULL && top->end_asked);

        if (is_ours)
                return;
        ring_add(&shell->view.ring, bytes, len);
        if (shell->view.screen != NULL)
                feed_screen(shell, bytes, len, now_ms);
}

static void show_text(struct shell *shell, const char *text, int64_t now_ms)
{
        ring_add(&shell->view.ring, text, strlen(text));
        if (shell->view.screen != NULL)
                feed_screen(shell, text, strlen(text), now_ms);
}

void shell_show_command(struct shell *shell, int64_t now_ms)
{
        const struct job *job = shell_top_entry(shell)->job;
        char shown[COMMAND_SHOWN_MAX + 64];
        size_t len = job->text.len;
        size_t at = 0;

        if (len > COMMAND_SHOWN_MAX) {
                (void)snprintf(shown, sizeof shown, "[a command of %zu bytes]", len);
        } else {
                for (; at < len && job->text.data[at] != '\n'; at++) {
                        uint8_t byte = job->text.data[at];
                        shown[at] = (char)(byte < 0x20 || byte == 0x7F ? ' ' : byte);
                }
                (void)snprintf(shown + at, sizeof shown - at, "%s", at < len ? " …" : "");
        }
        /* a line editor leaves its own modes when it takes a line; that was not shown */
        show_text(shell, shown, now_ms);
        show_text(shell, "\r\n\x1B[m\x1B[?1l", now_ms);
        shell->view.command_at = shell->view.ring.total;
        shell->view.takes_keys = false;
        if (shell->view.screen != NULL)
                screen_drop_answers(shell->view.screen);
}

/* ---- what a program asks the terminal ---- */

static bool may_answer(struct view *view, int64_t now_ms)
{
        if (now_ms - view->answers_since_ms >= ANSWERS_MS) {
                view->answers_since_ms = now_ms;
                view->answers = 0;
        }
        return ++view->answers <= ANSWERS_IN_WINDOW;
}

/*
 * An answer that nobody reads would be typed into the shell later. So it is given only to a
 * program that is in front with the terminal in raw mode now, and never at a prompt.
 */
bool shell_answer_terminal(struct shell *shell, const struct facts *facts,
                           const struct verdict *verdict, int64_t now_ms)
{
        struct view *view = &shell->view;
        bool is_answered = false;
        bool is_raw = facts->found && facts->modes_known && !facts->canonical;
        bool is_program = verdict->kind == VERDICT_PROGRAM || verdict->kind == VERDICT_RUNNING;
        bool may_have_asked = shell->phase == SHELL_RUNNING && is_raw && is_program;

        view->takes_keys = verdict->kind == VERDICT_PROGRAM;
        if (view->takes_keys && shell->phase == SHELL_RUNNING)
                (void)get_screen(shell, now_ms); /* NULL: nobody is answered */
        if (view->screen == NULL)
                return false;
        struct str answers = screen_answers(view->screen);
        if (answers.len > 0 && may_have_asked && may_answer(view, now_ms)) {
                shell_type(shell, answers.ptr, answers.len);
                shell_ask_soon(shell, ANSWER_ASK_MS, now_ms);
                is_answered = true;
        }
        screen_drop_answers(view->screen);
        return is_answered;
}

/* ---- keys ---- */

void shell_type_keys(struct shell *shell, struct str normal, struct str application, int64_t now_ms)
{
        const struct screen *screen = get_screen(shell, now_ms);
        struct str keys = screen != NULL && screen_has_application_keys(screen) ? application
                                                                               : normal;

        shell_input(shell, keys.ptr, keys.len, now_ms);
}

/* ---- reading ---- */

struct rows_out {
        struct buf *frames;
        uint64_t ticket;
};

static void write_row(void *arg, const struct wire_screen_row *row)
{
        const struct rows_out *out = arg;

        if (!wire_write_screen_row(out->frames, out->ticket, row))
                bug("no room for a row of the screen");
}

static void answer_read(struct shell *shell, struct view_read *read, enum wire_screen_end end,
                        int64_t now_ms)
{
        struct rows_out out = { shell->config.frames, read->asked.ticket };
        struct screen *screen = get_screen(shell, now_ms);
        struct wire_screen answer = { .end = end };

        if (screen != NULL)
                screen_read(screen, read->asked.scrollback + VIEW_ROWS_ABOVE, read->asked.since,
                            write_row, &out, &answer);
        answer.end = end;
        if (shell->phase == SHELL_IDLE || shell->phase == SHELL_SETTLING)
                answer.flags |= WIRE_SCREEN_PROMPT;
        if (!wire_write_screen(shell->config.frames, read->asked.ticket, &answer))
                bug("no room for a screen");
        read->asked.ticket = 0;
}

static int64_t later_of(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

/* When the terminal will have been quiet for long enough, if it stays so; INT64_MAX: not at all. */
static int64_t quiet_at_ms(const struct shell *shell, const struct view_read *read)
{
        int64_t since_ms = later_of(shell->last_output_ms, read->began_ms);

        if (shell->depth < read->depth)
                return since_ms + ENDED_QUIET_MS;
        if (shell->view.ring.total == read->total)
                return INT64_MAX; /* no reaction yet */
        return since_ms + read->asked.quiet_ms;
}

static bool is_asked(const struct shell *shell)
{
        return shell->depth > 0
            && shell->entries[shell->depth - 1].job->awaiting != WIRE_AWAITING_NOTHING;
}

/* When it will have waited for input for long enough; INT64_MAX: it does not. */
static int64_t asked_at_ms(const struct shell *shell, const struct view_read *read)
{
        if (read->was_asked || !is_asked(shell) || shell->depth < read->depth)
                return INT64_MAX;
        return later_of(shell->last_output_ms, read->began_ms) + ASKED_QUIET_MS;
}

static bool is_due(const struct shell *shell, const struct view_read *read, int64_t now_ms,
                   enum wire_screen_end *out_end)
{
        if (now_ms >= read->began_ms + read->asked.limit_ms)
                *out_end = WIRE_SCREEN_LIMIT;
        else if (now_ms >= quiet_at_ms(shell, read))
                *out_end = shell->depth < read->depth ? WIRE_SCREEN_ENDED : WIRE_SCREEN_QUIET;
        else if (now_ms >= asked_at_ms(shell, read))
                *out_end = WIRE_SCREEN_ASKED;
        else
                return false;
        return true;
}

void shell_turn_screen(struct shell *shell, int64_t now_ms)
{
        enum wire_screen_end end;

        for (size_t i = 0; i < VIEW_READS_MAX; i++) {
                struct view_read *read = &shell->view.reads[i];
                if (read->asked.ticket != 0 && is_due(shell, read, now_ms, &end))
                        answer_read(shell, read, end, now_ms);
        }
}

int64_t shell_screen_due_ms(const struct shell *shell)
{
        int64_t due = INT64_MAX;

        for (size_t i = 0; i < VIEW_READS_MAX; i++) {
                const struct view_read *read = &shell->view.reads[i];
                if (read->asked.ticket == 0)
                        continue;
                int64_t limit = read->began_ms + read->asked.limit_ms;
                int64_t quiet = quiet_at_ms(shell, read);
                due = limit < due ? limit : due;
                int64_t asked = asked_at_ms(shell, read);
                due = quiet < due ? quiet : due;
                due = asked < due ? asked : due;
        }
        return due;
}

static void resize(struct shell *shell, uint32_t columns, uint32_t rows)
{
        struct view *view = &shell->view;

        shell->config.columns = columns;
        shell->config.rows = rows;
        session_channel_resize(shell->channel, columns, rows);
        if (view->screen == NULL || screen_resize(view->screen, columns, rows))
                return;
        screen_free(view->screen); /* no memory for that size: perhaps there is when it is needed */
        view->screen = NULL;
}

static struct view_read *free_read(struct shell *shell, int64_t now_ms)
{
        struct view_read *oldest = &shell->view.reads[0];

        for (size_t i = 0; i < VIEW_READS_MAX; i++) {
                struct view_read *at = &shell->view.reads[i];
                if (at->asked.ticket == 0)
                        return at;
                if (at->asked.ticket < oldest->asked.ticket)
                        oldest = at;
        }
        answer_read(shell, oldest, WIRE_SCREEN_LIMIT, now_ms);
        return oldest;
}

void shell_read_screen(struct shell *shell, const struct wire_screen_read *asked, int64_t now_ms)
{
        struct view_read *read = free_read(shell, now_ms);

        (void)get_screen(shell, now_ms); /* before the size changes; NULL is told with the answer */
        *read = (struct view_read){
                .asked = *asked,
                .began_ms = now_ms,
                .total = shell->view.ring.total,
                .depth = shell->depth,
                .was_asked = is_asked(shell),
        };
        if (asked->columns != 0)
                resize(shell, asked->columns, asked->rows);
        shell_turn_screen(shell, now_ms);
}
