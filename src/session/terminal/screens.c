#include "session/terminal/screens.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/idmap.h"
#include "base/list.h"
#include "base/scoped.h"
#include "base/utf8.h"
#include "session/secrecy/remote_text.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define ROWS_SPARE (WIRE_SCREEN_SIDE_MAX + 64) /* besides those of the scrollback; 64: above them */

struct read {
        struct list_node node;
        uint64_t ticket;
        uint64_t connection;
        uint64_t shell;
        char *session;
        uint32_t scrollback;
        int64_t deadline_ms;
        screen_done *done;
        void *arg;
        struct screen_row *rows; /* text is ours */
        size_t row_count;
        size_t text_len;
        struct wire_screen screen; /* its title is in `title` */
        char *title;
        bool is_whole;
        struct err error;
};

struct screens {
        uv_timer_t timer;
        struct list_node list; /* oldest first */
        struct idmap tickets;
        size_t count;
        const struct redactor *redactor; /* not ours */
        bool is_stopped;
};

static void on_timer(uv_timer_t *timer);

static void poke(struct screens *screens)
{
        if (!uv_is_closing((uv_handle_t *)&screens->timer))
                (void)uv_timer_start(&screens->timer, on_timer, 0, 0); /* cannot fail */
}

struct screens *screens_new(uv_loop_t *loop, const struct redactor *redactor)
{
        struct screens *screens = xcalloc(1, sizeof *screens);

        list_init(&screens->list);
        idmap_init(&screens->tickets);
        screens->redactor = redactor;
        (void)uv_timer_init(loop, &screens->timer); /* cannot fail */
        screens->timer.data = screens;
        return screens;
}

static void read_free(struct read *read)
{
        for (size_t i = 0; i < read->row_count; i++)
                free(read->rows[i].text);
        free(read->rows);
        free(read->session);
        free(read->title);
        free(read);
}

static void take_off(struct screens *screens, struct read *read)
{
        idmap_remove(&screens->tickets, read->ticket);
        list_remove(&read->node);
        screens->count--;
}

void screens_free(struct screens *screens)
{
        if (screens == NULL)
                return;
        list_each(at, &screens->list)
        {
                struct read *read = list_entry(at, struct read, node);
                take_off(screens, read);
                read_free(read);
        }
        idmap_fini(&screens->tickets);
        free(screens);
}

bool screens_add(struct screens *screens, const struct screens_place *place,
                 const struct wire_screen_read *asked, screen_done *done, void *arg,
                 uint64_t *out_ticket, struct err *err)
{
        if (screens->count == SCREENS_MAX || screens->is_stopped)
                return err_set(err, ERR_LIMIT,
                               "%d calls wait for a screen already, which is the limit. Try again "
                               "when one of them was answered.",
                               SCREENS_MAX);
        struct read *read = xcalloc(1, sizeof *read);
        list_init(&read->node);
        read->connection = place->connection;
        read->shell = place->shell;
        read->session = xstrdup(place->session);
        read->scrollback = asked->scrollback;
        read->deadline_ms = clock_now_ms() + asked->limit_ms + SCREEN_GRACE_MS;
        read->rows = xcalloc(asked->scrollback + ROWS_SPARE, sizeof *read->rows);
        read->done = done;
        read->arg = arg;
        read->ticket = idmap_add(&screens->tickets, read);
        list_append(&screens->list, &read->node);
        screens->count++;
        *out_ticket = read->ticket;
        poke(screens);
        return true;
}

void screens_cancel(struct screens *screens, uint64_t ticket)
{
        struct read *read = idmap_find(&screens->tickets, ticket);

        if (read == NULL)
                return;
        take_off(screens, read);
        read_free(read);
}

void screens_lose(struct screens *screens, uint64_t connection, uint64_t shell, const char *why)
{
        list_each(at, &screens->list)
        {
                struct read *read = list_entry(at, struct read, node);
                if (read->connection != connection || (shell != 0 && read->shell != shell)
                    || read->is_whole)
                        continue;
                (void)err_set(&read->error, ERR_STATE,
                              "the session's shell is gone, and its screen with it: %s", why);
        }
        poke(screens);
}

/* ---- frames ---- */

/* Ours and still waiting; false: a ticket that this connection never had. */
static bool find_read(const struct screens *screens, uint64_t connection, uint64_t ticket,
                      struct read **out_read)
{
        struct read *read = idmap_find(&screens->tickets, ticket);

        *out_read = NULL;
        if (read == NULL)
                return ticket > 0 && ticket <= screens->tickets.last_id;
        if (read->connection != connection)
                return false;
        if (!read->is_whole && read->error.code == ERR_NONE)
                *out_read = read;
        return true;
}

bool screens_on_row(struct screens *screens, uint64_t connection, const struct frame *frame)
{
        struct wire_screen_row row;
        struct read *read;

        if (!wire_read_screen_row(frame, &row)
            || !find_read(screens, connection, frame->id, &read))
                return false;
        if (read == NULL)
                return true;
        bool is_first = read->row_count == 0;
        const size_t rows_max = read->scrollback + ROWS_SPARE;
        bool follows = is_first ? row.row <= 0 && row.row > -(int64_t)rows_max
                                : row.row == read->rows[read->row_count - 1].row + 1;
        if (!follows || read->row_count == rows_max
            || row.text.len > SCREEN_TEXT_MAX - read->text_len)
                return false;
        char *text = remote_text(row.text, row.text.len);
        read->text_len += row.text.len;
        read->rows[read->row_count++] = (struct screen_row){ .row = (int)row.row,
                                                             .is_full = row.is_full != 0,
                                                             .is_changed = row.is_changed != 0,
                                                             .text = text };
        return true;
}

bool screens_on_screen(struct screens *screens, uint64_t connection, const struct frame *frame)
{
        struct wire_screen screen;
        struct read *read;

        if (!wire_read_screen(frame, &screen)
            || !find_read(screens, connection, frame->id, &read))
                return false;
        if (read == NULL)
                return true;
        int last = read->row_count > 0 ? read->rows[read->row_count - 1].row : -1;
        if (screen.columns != 0 && last + 1 != (int)screen.rows)
                return false;
        if (screen.columns == 0)
                (void)err_set(&read->error, ERR_SYSTEM,
                              "there is no memory for the screen of this session's terminal. Close "
                              "other sessions of the host, or give a smaller size (resize).");
        read->screen = screen;
        read->title = remote_text_shown(screens->redactor, screen.title, WIRE_SCREEN_TITLE_MAX);
        read->is_whole = true;
        poke(screens);
        return true;
}

/* ---- secrets ---- */

/* The text in rows again, as many as before, each with as many characters as it had at most. */
static void spread(struct screen_row *rows, size_t count, struct str text)
{
        for (size_t i = 0; i < count; i++) {
                size_t room = 0;
                size_t len = 0;
                size_t one;
                for (const char *at = rows[i].text; *at != 0; at++)
                        room += ((uint8_t)*at & 0xC0) != 0x80;
                bool is_last = i + 1 == count;
                for (; len < text.len && (room > 0 || is_last); room -= room > 0) {
                        (void)utf8_next((const uint8_t *)text.ptr + len, text.len - len, &one);
                        len += one;
                }
                free(rows[i].text);
                rows[i].text = xasprintf("%.*s", (int)len, text.ptr);
                text.ptr += len;
                text.len -= len;
        }
}

static void redact_group(struct screen_row *rows, size_t count, const struct redactor *redactor)
{
        scoped_buf struct buf joined;
        scoped_buf struct buf shown;

        buf_init(&joined, SCREEN_TEXT_MAX * 4);
        buf_init(&shown, SCREEN_TEXT_MAX * 16);
        for (size_t i = 0; i < count; i++)
                (void)buf_append_str(&joined, rows[i].text); /* bounded by SCREEN_TEXT_MAX */
        if (joined.len > 0 && redactor_text(redactor, buf_str(&joined), &shown) > 0)
                spread(rows, count, buf_str(&shown));
}

void screen_rows_redact(struct screen_row *rows, size_t count, const struct redactor *redactor)
{
        size_t begin = 0;

        if (redactor_is_empty(redactor))
                return;
        for (size_t i = 0; i < count; i++) {
                if (rows[i].is_full && i + 1 < count)
                        continue;
                redact_group(rows + begin, i + 1 - begin, redactor);
                begin = i + 1;
        }
}

/* ---- telling ---- */

/* Rows above that nobody asked for were there for the redactor. */
static size_t unwanted_rows(const struct read *read)
{
        size_t skip = 0;

        while (skip < read->row_count && read->rows[skip].row < -(int)read->scrollback)
                skip++;
        return skip;
}

static void tell(struct screens *screens, struct read *read)
{
        if (read->error.code != ERR_NONE) {
                read->done(read->arg, read->ticket, NULL, &read->error);
                return;
        }
        screen_rows_redact(read->rows, read->row_count, screens->redactor);
        size_t skip = unwanted_rows(read);
        struct screen_info info = {
                .session = read->session,
                .screen = read->screen,
                .title = read->title,
                .rows = read->rows + skip,
                .row_count = read->row_count - skip,
        };
        read->done(read->arg, read->ticket, &info, NULL);
}

static bool is_over(const struct screens *screens, struct read *read, int64_t now_ms)
{
        if (read->is_whole || read->error.code != ERR_NONE)
                return true;
        if (screens->is_stopped)
                (void)err_set(&read->error, ERR_STATE, "mcp-ssh-session is stopping.");
        else if (now_ms >= read->deadline_ms)
                (void)err_set(&read->error, ERR_TIMEOUT,
                              "the screen was not read within %d s: the connection to the host does "
                              "not keep up. list_sessions shows its state; try again.",
                              SCREEN_GRACE_MS / 1000);
        else
                return false;
        return true;
}

/* The oldest that is over and no newer than last; NULL none, *next_ms is when to look again. */
static struct read *find_over(struct screens *screens, uint64_t last, int64_t *next_ms)
{
        int64_t now_ms = clock_now_ms();

        *next_ms = INT64_MAX;
        list_each(at, &screens->list)
        {
                struct read *read = list_entry(at, struct read, node);
                bool over = is_over(screens, read, now_ms);
                if (over && read->ticket <= last)
                        return read;
                int64_t due = over ? now_ms : read->deadline_ms;
                *next_ms = due < *next_ms ? due : *next_ms;
        }
        return NULL;
}

static void on_timer(uv_timer_t *timer)
{
        struct screens *screens = timer->data;
        uint64_t last = screens->tickets.last_id;
        struct read *read;
        int64_t next_ms;

        while ((read = find_over(screens, last, &next_ms)) != NULL) {
                take_off(screens, read);
                tell(screens, read);
                read_free(read);
        }
        if (screens->is_stopped && screens->count == 0) {
                if (!uv_is_closing((uv_handle_t *)timer))
                        uv_close((uv_handle_t *)timer, NULL);
                return;
        }
        if (next_ms == INT64_MAX)
                return;
        int64_t in_ms = next_ms - clock_now_ms();
        (void)uv_timer_start(timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0); /* cannot fail */
}

void screens_stop(struct screens *screens)
{
        screens->is_stopped = true;
        poke(screens);
}
