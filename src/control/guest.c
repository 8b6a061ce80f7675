#include "control/guest.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scoped.h"
#include "control/control_place.h"
#include "wire/control.h"

#include <string.h>

#define WAIT_MS  20000 /* for a log-in of somebody else's to the same host; then it fails */
#define RETRY_MS 100

struct guest {
        uv_pipe_t pipe;
        uv_timer_t timer;      /* runs while another log-in is waited for */
        unsigned open;         /* handles that are not closed yet */
        struct engine *engine; /* not ours */
        void (*on_gone)(void *arg, struct guest *guest);
        void *arg;
        struct buf in;
        char chunk[4096];

        char *host; /* what it asked for; NULL: nothing yet */
        char *username;
        char *key_filename;
        int port;
        bool is_for_sudo;
        int64_t wait_until_ms;

        struct connection_watch watch;
        uint64_t connection; /* 0: none, or told to the end */
        char *name;          /* of the connection, resolved */
        uint64_t questions;
        bool is_asked;
        bool asks_for_sudo; /* the question is our own: the password for sudo */
        bool is_told; /* the end is told; nothing else is said */
        bool is_ended;
};

/* ---- speaking ---- */

struct sending {
        uv_write_t request;
        struct guest *guest;
        bool is_last;
        char bytes[];
};

static void on_sent(uv_write_t *request, int status)
{
        struct sending *sending = request->data;
        struct guest *guest = sending->guest;
        bool is_last = sending->is_last;

        free(sending);
        if ((status != 0 || is_last) && status != UV_ECANCELED)
                guest_end(guest);
}

static void say(struct guest *guest, const struct buf *message, bool is_last)
{
        if (guest->is_ended || guest->is_told)
                return;
        guest->is_told = is_last;
        struct sending *sending = xcalloc(1, sizeof *sending + message->len); /* a few KiB */
        uv_buf_t bytes = uv_buf_init(sending->bytes, (unsigned)message->len);
        memcpy(sending->bytes, message->data, message->len);
        sending->request.data = sending;
        sending->guest = guest;
        sending->is_last = is_last;
        if (uv_write(&sending->request, (uv_stream_t *)&guest->pipe, &bytes, 1, on_sent) != 0)
                free(sending); /* its end shows when it is read */
}

static void say_end(struct guest *guest, enum control_kind kind, const char *text)
{
        scoped_buf struct buf message;

        buf_init(&message, CONTROL_MESSAGE_MAX);
        if (control_write_end(&message, kind, text))
                say(guest, &message, /* is_last= */ true);
}

static bool say_hello(struct guest *guest)
{
        scoped_buf struct buf message;
        const struct control_hello hello = {
                .version = CONTROL_VERSION,
                .pid = getpid(),
                .last_refused = str_of(engine_last_refused(guest->engine)),
        };

        buf_init(&message, CONTROL_MESSAGE_MAX);
        if (!control_write_hello(&message, &hello))
                return false;
        say(guest, &message, /* is_last= */ false);
        return true;
}

/* ---- watching ---- */

static void ask(struct guest *guest, const struct control_prompt *asked)
{
        scoped_buf struct buf message;

        buf_init(&message, CONTROL_MESSAGE_MAX);
        guest->is_asked = true;
        if (control_write_prompt(&message, ++guest->questions, asked))
                say(guest, &message, /* is_last= */ false);
}

static const char *name_of(const struct guest *guest)
{
        return guest->name != NULL ? guest->name : guest->host;
}

static void ask_for_sudo(struct guest *guest)
{
        scoped_free char *text = xasprintf("sudo password for %s: ", name_of(guest));
        const struct control_prompt asked = { .text = str_of(text) };

        guest->asks_for_sudo = true;
        ask(guest, &asked);
}

static void keep_sudo_password(struct guest *guest, const struct secret *secret)
{
        struct err err;

        guest->asks_for_sudo = false;
        if (secret == NULL || secret_len(secret) == 0) {
                say_end(guest, CONTROL_FAILED, "no password was given, and none is kept");
        } else if (engine_keep_sudo_password(guest->engine, guest->connection, secret, &err)) {
                scoped_free char *end = xasprintf("the sudo password for %s is kept in memory until "
                                                  "sudo refuses it or the server ends",
                                                  name_of(guest));
                say_end(guest, CONTROL_DONE, end);
        } else {
                say_end(guest, CONTROL_FAILED, err.text);
        }
}

static void on_step(void *arg, enum connect_step step, const char *text)
{
        struct guest *guest = arg;

        if (step == CONNECT_STEP_CONFIG) {
                free(guest->name);
                guest->name = xstrndup(text, strcspn(text, ";")); /* keys and all follow it */
        }
        if (step != CONNECT_STEP_LOG_IN)
                return;
        if (guest->is_for_sudo) {
                ask_for_sudo(guest);
                return;
        }
        scoped_free char *end = xasprintf("logged in as %s by %s", name_of(guest), text);
        say_end(guest, CONTROL_DONE, end);
}

static void on_failure(void *arg, enum connect_step step, const struct err *why)
{
        struct guest *guest = arg;

        (void)step; /* the text says it */
        guest->connection = 0;
        say_end(guest, CONTROL_FAILED, why->text);
}

static void on_prompt(void *arg, const struct connect_prompt *prompt)
{
        struct guest *guest = arg;
        const struct control_prompt asked = {
                .is_echoed = prompt->is_echoed,
                .text = str_of(prompt->text),
                .instruction = str_of(prompt->instruction),
        };

        ask(guest, &asked);
}

static void on_moved(void *arg, uint64_t id)
{
        struct guest *guest = arg;

        guest->connection = id;
}

static void on_retry(uv_timer_t *timer);

static void connect_as_asked(struct guest *guest)
{
        const struct session_ref session = {
                .host = guest->host,
                .username = guest->username,
                .port = guest->port,
                .key_filename = guest->key_filename,
        };
        struct err err;
        bool is_ready;

        if (!engine_connect(guest->engine, &session, &guest->watch, &guest->connection, &is_ready,
                            &err)) {
                guest->connection = 0;
                if (err.code == ERR_STATE && clock_now_ms() < guest->wait_until_ms)
                        (void)uv_timer_start(&guest->timer, on_retry, RETRY_MS, 0);
                else
                        say_end(guest, CONTROL_FAILED, err.text);
        } else if (is_ready && guest->is_for_sudo) {
                ask_for_sudo(guest);
        } else if (is_ready) {
                say_end(guest, CONTROL_DONE, "it was logged in there already");
        }
}

static void on_retry(uv_timer_t *timer)
{
        connect_as_asked(timer->data);
}

/* ---- listening ---- */

static char *copy_or_null(struct str str)
{
        return str.len > 0 ? xstrndup(str.ptr, str.len) : NULL;
}

static bool take_login(struct guest *guest, const struct frame *frame)
{
        struct control_login login;

        if (guest->host != NULL || !control_read_login(frame, &login))
                return false;
        guest->host = xstrndup(login.host.ptr, login.host.len);
        guest->username = copy_or_null(login.username);
        guest->key_filename = copy_or_null(login.key_filename);
        guest->port = (int)login.port;
        guest->is_for_sudo = login.is_for_sudo != 0;
        guest->wait_until_ms = clock_now_ms() + WAIT_MS;
        log_info("a person logs in to %s", log_quote(guest->host, strlen(guest->host)));
        connect_as_asked(guest);
        return true;
}

static bool take_answer(struct guest *guest, const struct frame *frame)
{
        struct control_answer answer;

        if (!control_read_answer(frame, &answer))
                return false;
        if (!guest->is_asked || frame->id != guest->questions)
                return true; /* to a question that is not open any more */
        guest->is_asked = false;
        struct secret *secret =
                answer.is_answered != 0 ? secret_new(answer.answer.ptr, answer.answer.len) : NULL;
        if (guest->asks_for_sudo)
                keep_sudo_password(guest, secret);
        else
                engine_answer(guest->engine, guest->connection, secret);
        secret_free(secret);
        return true;
}

static bool serve(struct guest *guest, const struct frame *frame)
{
        switch (frame->kind) {
        case CONTROL_LOGIN: return take_login(guest, frame);
        case CONTROL_ANSWER: return take_answer(guest, frame);
        default: /* a number from outside, not our enum */ return false;
        }
}

/* False: it talks nonsense. What was served is wiped: it may have been a password. */
static bool serve_all(struct guest *guest)
{
        struct buf *in = &guest->in;
        struct frame frame;
        size_t used;

        for (;;) {
                switch (frame_parse(in->data, in->len, &frame, &used)) {
                case FRAME_MORE: return in->len < CONTROL_MESSAGE_MAX;
                case FRAME_BAD: return false;
                case FRAME_READY: break;
                }
                bool is_good = serve(guest, &frame);
                secret_wipe(in->data, used);
                if (!is_good)
                        return false;
                size_t left = in->len - used;
                buf_consume(in, used);
                secret_wipe(in->data + left, used); /* it moved to the front */
        }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
        struct guest *guest = handle->data;

        (void)wanted;
        *out = uv_buf_init(guest->chunk, sizeof guest->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
        struct guest *guest = stream->data;
        bool is_good = n >= 0 && buf_append(&guest->in, chunk->base, (size_t)n);

        secret_wipe(guest->chunk, n > 0 ? (size_t)n : 0);
        if (n == 0 || guest->is_ended)
                return;
        if (!is_good || !serve_all(guest))
                guest_end(guest);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
        struct guest *guest = handle->data;

        if (--guest->open > 0)
                return;
        guest->on_gone(guest->arg, guest);
        if (guest->in.data != NULL)
                secret_wipe(guest->in.data, guest->in.cap);
        buf_fini(&guest->in);
        free(guest->host);
        free(guest->username);
        free(guest->key_filename);
        free(guest->name);
        free(guest);
}

void guest_end(struct guest *guest)
{
        if (guest->is_ended)
                return;
        guest->is_ended = true;
        if (guest->connection != 0)
                engine_unwatch(guest->engine, guest->connection);
        guest->connection = 0;
        uv_close((uv_handle_t *)&guest->pipe, on_closed);
        uv_close((uv_handle_t *)&guest->timer, on_closed);
}

static bool is_same_user(struct guest *guest)
{
        uv_os_fd_t fd;

        if (uv_fileno((const uv_handle_t *)&guest->pipe, &fd) != 0
            || !control_peer_is_same_user(fd)) {
                log_warn("somebody else came to the control socket; hung up on");
                return false;
        }
        return true;
}

struct guest *guest_accept(uv_stream_t *listener, struct engine *engine,
                           void (*on_gone)(void *arg, struct guest *guest), void *arg)
{
        struct guest *guest = xcalloc(1, sizeof *guest);

        guest->engine = engine;
        guest->on_gone = on_gone;
        guest->arg = arg;
        guest->watch = (struct connection_watch){
                .on_step = on_step,
                .on_failure = on_failure,
                .arg = guest,
                .on_prompt = on_prompt,
                .on_moved = on_moved,
        };
        buf_init(&guest->in, CONTROL_MESSAGE_MAX + sizeof guest->chunk);
        bool has_room = buf_reserve(&guest->in, guest->in.max - 1); /* growing would leave copies */
        (void)uv_pipe_init(listener->loop, &guest->pipe, 0);        /* these two cannot fail */
        (void)uv_timer_init(listener->loop, &guest->timer);
        guest->pipe.data = guest;
        guest->timer.data = guest;
        guest->open = 2;
        if (!has_room || uv_accept(listener, (uv_stream_t *)&guest->pipe) != 0
            || !is_same_user(guest) || !say_hello(guest)
            || uv_read_start((uv_stream_t *)&guest->pipe, on_alloc, on_read) != 0)
                guest_end(guest);
        return guest;
}
