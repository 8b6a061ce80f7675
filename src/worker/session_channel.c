#include "worker/session_channel.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "wire/message.h"

#include <libssh/callbacks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_PIECE (32 * 1024) /* bytes handed to libssh at once; a packet's usual size */

enum step { STEP_OPEN, STEP_ENV, STEP_PTY, STEP_START, STEP_DONE };

struct session_channel {
        ssh_session session; /* not ours */
        ssh_channel ssh;
        enum session_channel_state state;
        enum step step;
        int64_t opened_by_ms;
        char *exec; /* NULL: shell */
        uint32_t columns, rows;
        bool is_held;
        bool is_unanswered; /* the open was given up before the host answered it */
        bool close_stdin;
        bool eof_sent;
        bool wipes; /* a secret is in unsent, or its remains */
        const struct channel_env *env; /* not ours; NULL: nothing */
        size_t env_sent;
        struct buf unsent;
        struct ssh_channel_callbacks_struct callbacks;
        int status;
        char signal[WIRE_SIGNAL_NAME_MAX];
        char error[200];
};

static void on_exit_status(ssh_session session, ssh_channel ssh, int status, void *arg)
{
        struct session_channel *channel = arg;

        (void)session;
        (void)ssh;
        channel->status = status;
}

static void on_exit_signal(ssh_session session, ssh_channel ssh, const char *signal, int core,
                           const char *message, const char *language, void *arg)
{
        struct session_channel *channel = arg;

        (void)session;
        (void)ssh;
        (void)core;
        (void)message;
        (void)language;
        (void)snprintf(channel->signal, sizeof channel->signal, "%s", signal);
}

static void fail(struct session_channel *channel, const char *what, const char *why)
{
        channel->state = SESSION_CHANNEL_FAILED;
        (void)snprintf(channel->error, sizeof channel->error, "%s: %s", what, why);
}

struct session_channel *session_channel_new(ssh_session ssh, const struct session_channel_request *request, int64_t now_ms)
{
        struct session_channel *channel = xcalloc(1, sizeof *channel);

        channel->session = ssh;
        channel->opened_by_ms = now_ms + SESSION_CHANNEL_OPEN_TIMEOUT_MS;
        channel->exec = request->exec != NULL ? xstrdup(request->exec) : NULL;
        channel->columns = request->columns;
        channel->rows = request->rows;
        channel->is_held = request->is_held;
        channel->close_stdin = request->close_stdin;
        channel->env = request->env;
        channel->status = -1;
        buf_init(&channel->unsent, SESSION_CHANNEL_UNSENT_MAX);
        channel->ssh = ssh_channel_new(ssh);
        if (channel->ssh == NULL) {
                fail(channel, "no channel", ssh_get_error(ssh));
                return channel;
        }
        channel->callbacks.userdata = channel;
        channel->callbacks.channel_exit_status_function = on_exit_status;
        channel->callbacks.channel_exit_signal_function = on_exit_signal;
        ssh_callbacks_init(&channel->callbacks);
        (void)ssh_set_channel_callbacks(channel->ssh, &channel->callbacks); /* fails for NULL only */
        session_channel_turn(channel, now_ms);
        return channel;
}

static bool awaits_open(const struct session_channel *channel)
{
        return channel->is_unanswered
            || (channel->state == SESSION_CHANNEL_OPENING && channel->step == STEP_OPEN
                && !channel->is_held);
}

void session_channel_free(struct session_channel *channel)
{
        if (channel == NULL)
                return;
        if (channel->ssh != NULL) {
                /* libssh keeps a channel until the host has closed it too, and would call us back */
                (void)ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
                /*
                 * The host may still answer an open that was given up, and libssh ends the whole
                 * session over a channel that it does not know: that one goes with the session.
                 */
                if (!awaits_open(channel))
                        ssh_channel_free(channel->ssh); /* sends the close if it is still open */
        }
        buf_fini(&channel->unsent);
        free(channel->exec);
        free(channel);
}

void session_channel_start(struct session_channel *channel, int64_t now_ms)
{
        channel->is_held = false;
        channel->opened_by_ms = now_ms + SESSION_CHANNEL_OPEN_TIMEOUT_MS;
        session_channel_turn(channel, now_ms);
}

bool session_channel_is_held(const struct session_channel *channel)
{
        return channel->is_held;
}

enum session_channel_state session_channel_state(const struct session_channel *channel)
{
        return channel->state;
}

const char *session_channel_error(const struct session_channel *channel)
{
        return channel->error;
}

struct session_channel_end session_channel_end(const struct session_channel *channel)
{
        return (struct session_channel_end){ channel->status, channel->signal };
}

int64_t session_channel_deadline_ms(const struct session_channel *channel)
{
        return channel->state == SESSION_CHANNEL_OPENING && !channel->is_held
                     ? channel->opened_by_ms
                     : INT64_MAX;
}

/* A variable that the server does not take (AcceptEnv) is no failure. */
static int send_env(struct session_channel *channel)
{
        while (channel->env != NULL && channel->env_sent < channel->env->count) {
                const struct variable *at = &channel->env->variables[channel->env_sent];
                if (ssh_channel_request_env(channel->ssh, at->name, at->value) == SSH_AGAIN)
                        return SSH_AGAIN;
                channel->env_sent++;
        }
        return SSH_OK;
}

static enum step step_after(const struct session_channel *channel)
{
        switch (channel->step) {
        case STEP_OPEN:  return STEP_ENV;
        case STEP_ENV:   return channel->exec == NULL ? STEP_PTY : STEP_START;
        case STEP_PTY:   return STEP_START;
        case STEP_START:
        case STEP_DONE:  return STEP_DONE;
        }
        bug("channel step %d", (int)channel->step);
}

static int step_once(struct session_channel *channel)
{
        switch (channel->step) {
        case STEP_OPEN: return ssh_channel_open_session(channel->ssh);
        case STEP_ENV: return send_env(channel);
        case STEP_PTY:
                return ssh_channel_request_pty_size(channel->ssh, "xterm-256color",
                                                    (int)channel->columns, (int)channel->rows);
        case STEP_START:
                return channel->exec != NULL ? ssh_channel_request_exec(channel->ssh, channel->exec)
                                             : ssh_channel_request_shell(channel->ssh);
        case STEP_DONE: return SSH_OK;
        }
        bug("channel step %d", (int)channel->step);
}

static const char *step_name(enum step step)
{
        switch (step) {
        case STEP_OPEN:  return "the server opened no further channel (MaxSessions in its sshd_config?)";
        case STEP_ENV:   return "the server does not answer";
        case STEP_PTY:   return "the server gave no terminal";
        case STEP_START: return "the server started no command";
        case STEP_DONE:  break;
        }
        bug("channel step %d", (int)step);
}

static void go_on_opening(struct session_channel *channel, int64_t now_ms)
{
        while (channel->step != STEP_DONE) {
                int result = step_once(channel);
                if (result == SSH_AGAIN) {
                        if (now_ms >= channel->opened_by_ms) {
                                channel->is_unanswered = channel->step == STEP_OPEN;
                                fail(channel, step_name(channel->step), "no answer in 10 s");
                        }
                        return;
                }
                if (result != SSH_OK) {
                        fail(channel, step_name(channel->step), ssh_get_error(channel->session));
                        return;
                }
                channel->step = step_after(channel);
        }
        channel->state = SESSION_CHANNEL_OPEN;
}

/* What has left leaves its bytes behind in the buffer. */
static void wipe_sent(struct session_channel *channel)
{
        struct buf *unsent = &channel->unsent;

        if (!channel->wipes || unsent->data == NULL)
                return;
        secret_wipe(unsent->data + unsent->len, unsent->cap - unsent->len);
        channel->wipes = unsent->len > 0;
}

static void send_unsent(struct session_channel *channel)
{
        size_t sent = 0;

        while (sent < channel->unsent.len) {
                size_t left = channel->unsent.len - sent;
                uint32_t piece = (uint32_t)(left < WRITE_PIECE ? left : WRITE_PIECE);
                uint32_t window = ssh_channel_window_size(channel->ssh);
                if (piece > window)
                        piece = window;
                if (piece == 0)
                        break;
                int n = ssh_channel_write(channel->ssh, channel->unsent.data + sent, piece);
                if (n <= 0)
                        break; /* a broken session is seen by the worker's loop */
                sent += (size_t)n;
        }
        buf_consume(&channel->unsent, sent);
        wipe_sent(channel);
        if (channel->unsent.len == 0 && channel->close_stdin && !channel->eof_sent) {
                channel->eof_sent = true;
                (void)ssh_channel_send_eof(channel->ssh);
        }
}

static bool has_unread(struct session_channel *channel)
{
        return ssh_channel_poll(channel->ssh, 0) > 0 || ssh_channel_poll(channel->ssh, 1) > 0;
}

void session_channel_turn(struct session_channel *channel, int64_t now_ms)
{
        if (channel->state == SESSION_CHANNEL_OPENING && !channel->is_held)
                go_on_opening(channel, now_ms);
        if (channel->state != SESSION_CHANNEL_OPEN)
                return;
        send_unsent(channel);
        /* with the session every channel counts as closed; that is the loop's to see, and to tell */
        if (ssh_is_connected(channel->session) && ssh_channel_is_closed(channel->ssh)
            && !has_unread(channel))
                channel->state = SESSION_CHANNEL_CLOSED;
}

size_t session_channel_read(struct session_channel *channel, bool is_stderr, void *out, size_t len)
{
        if (channel->state != SESSION_CHANNEL_OPEN)
                return 0;
        int n = ssh_channel_read_nonblocking(channel->ssh, out, (uint32_t)len, is_stderr);
        return n > 0 ? (size_t)n : 0;
}

bool session_channel_write(struct session_channel *channel, const void *bytes, size_t len)
{
        if (channel->state != SESSION_CHANNEL_OPENING && channel->state != SESSION_CHANNEL_OPEN)
                return false;
        if (!buf_append(&channel->unsent, bytes, len))
                return false;
        if (channel->state == SESSION_CHANNEL_OPEN)
                send_unsent(channel);
        return true;
}

bool session_channel_write_secret(struct session_channel *channel, const struct secret *secret)
{
        struct buf *unsent = &channel->unsent;
        size_t len = secret_len(secret) + 1;

        if (!buf_reserve(unsent, len)) /* growing later would leave a copy behind */
                return false;
        if (!session_channel_write(channel, secret_bytes(secret), secret_len(secret))
            || !session_channel_write(channel, channel->exec != NULL ? "\n" : "\r", 1))
                return false;
        channel->wipes = true;
        wipe_sent(channel);
        return true;
}

void session_channel_close_stdin(struct session_channel *channel)
{
        channel->close_stdin = true;
        if (channel->state == SESSION_CHANNEL_OPEN)
                send_unsent(channel);
}

void session_channel_resize(struct session_channel *channel, uint32_t columns, uint32_t rows)
{
        channel->columns = columns;
        channel->rows = rows;
        if (channel->state == SESSION_CHANNEL_OPEN)
                (void)ssh_channel_change_pty_size(channel->ssh, (int)columns, (int)rows); /* no reply
                        is asked for; a broken session is seen by the worker's loop */
}

void session_channel_signal(struct session_channel *channel, const char *name)
{
        if (channel->state == SESSION_CHANNEL_OPEN)
                (void)ssh_channel_request_send_signal(channel->ssh, name); /* no reply is asked for */
}
