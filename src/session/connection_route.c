/*
 * The way to a host: a TCP connection of our own, a ProxyCommand, or a channel on the connection
 * to a jump host.
 *
 * A jump host's connection is like any other, found or made by the engine (on_jump), shared by all
 * hosts behind it, and left open. Behind it stand those whose jump_id names it:
 *
 *      route_wanted -> the jump host is ready -> WIRE_FORWARD_OPEN with one end of a socket pair,
 *      the other end is kept -> WIRE_FORWARD_OPENED -> a worker gets the kept end
 *
 * The forward's id is the id of the connection behind. While the jump host comes about, its own
 * deadlines run and ours do not. When it ends, so does what is behind it, with the reason; but one
 * that was just asking for its channel asks once more, as the jump host may have been dead for
 * long without anybody noticing.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/reach/proxy_text.h"
#include "session/reach/sockets.h"
#include "session/secrecy/remote_text.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_LIMIT_MAX_S 120  /* of a ConnectTimeout in the configuration */
#define FORWARD_GUARD_MS    2000 /* for the jump host's worker to tell that time is up */
#define LAST_WORDS_MS       500  /* between a worker's end and its ProxyCommand's */
#define JUMP_WORDS_MS       100  /* between a worker's end and that of its jump host's worker */
#define LOST                "connection lost: "

/* ---- names ---- */

static char *proxy_command_text(const struct connection *connection, struct err *err)
{
        const struct ssh_config *config = connection->config;
        const struct proxy_place place = { connection->host, connection->port, connection->user,
                                           connection->aliases[0].target.host,
                                           config->host_key_alias };
        char *text = NULL;

        return proxy_text(config->proxy_command, &place, &text, err) ? text : NULL;
}

static char *or_empty(const char *text)
{
        return xstrdup(text != NULL ? text : "");
}

void connection_name_route(struct connection *connection)
{
        const struct ssh_config *config = connection->config;
        scoped_free char *jump = or_empty(config->proxy_jump);
        scoped_free char *from = or_empty(config->bind_address != NULL ? config->bind_address
                                                                       : config->bind_interface);
        scoped_free char *command = NULL;
        struct err ignored; /* comes again when the command is to be run */

        if (config->proxy_command != NULL) {
                command = proxy_command_text(connection, &ignored);
                command = command != NULL ? command : xstrdup(config->proxy_command);
        }
        connection->route = xasprintf("%s\n%s\n%s", jump, command != NULL ? command : "", from);
        connection->via = or_empty(config->proxy_jump != NULL      ? config->proxy_jump
                                   : config->proxy_command != NULL ? "its ProxyCommand"
                                                                   : NULL);
}

int64_t connection_limit_ms(const struct connection *connection, int64_t usual_ms)
{
        int seconds = connection->config->connect_timeout_s;

        if (seconds <= 0)
                return usual_ms;
        return (int64_t)(seconds < CONNECT_LIMIT_MAX_S ? seconds : CONNECT_LIMIT_MAX_S) * 1000;
}

static void go_on(struct connection *connection, int fd)
{
        scoped_free char *text = connection->via[0] != 0 ? xasprintf("through %s", connection->via)
                                                         : xstrdup("connected");

        connection_tell_step(connection, CONNECT_STEP_REACH, text);
        connection_start_worker(connection, fd);
}

/* ---- TCP ---- */

static void on_dialed(void *arg, int fd, const struct err *why)
{
        struct connection *connection = arg;
        struct err err = *why;

        dial_free(connection->dial);
        connection->dial = NULL;
        if (fd >= 0) {
                connection->address = socket_peer(fd);
                go_on(connection, fd);
                return;
        }
        if (override_is_hiding(&connection->override))
                connection_keep_reason(connection, &err);
        if (connection->config->is_fallback)
                (void)err_context(&err,
                                  "no ssh program is installed here, so no ssh_config was read");
        connection_fail(connection, &err);
}

static void dial(struct connection *connection)
{
        const struct ssh_config *config = connection->config;
        const struct dial_plan plan = {
                .host = connection->host,
                .port = connection->port,
                .family = config->family,
                .bind_address = config->bind_address,
                .bind_interface = config->bind_interface,
                .limit_ms = connection_limit_ms(connection, DIAL_MS),
        };

        connection->dial = dial_start(connection->env->loop, &plan, on_dialed, connection);
}

/* ---- ProxyCommand ---- */

static void add_proxy_words(const struct connection *connection, struct err *err)
{
        scoped_buf struct buf words;
        struct err why = *err;
        bool is_hiding = override_is_hiding(&connection->override); /* an address would tell */

        buf_init(&words, ERR_TEXT_MAX);
        proxy_write_state(connection->proxy, PROXY_WORDS_SHOWN, &words);
        if (is_hiding && words.len > 0) {
                log_debug("%s: %s", connection->name, (const char *)words.data);
                buf_reset(&words);
                proxy_write_state(connection->proxy, PROXY_WORDS_LEFT_OUT, &words);
        }
        if (proxy_has_ended(connection->proxy) && connection->state < CONNECTION_READY)
                (void)err_set(err, why.code, "cannot connect to %s: %s", connection->name,
                              (const char *)words.data); /* the rest followed from that */
        else if (words.len > 0)
                (void)err_set(err, why.code, "%s (%s)", why.text, (const char *)words.data);
}

void connection_fail_with_words(struct connection *connection, const struct err *why)
{
        bool is_proxys = connection->proxy != NULL && !proxy_has_ended(connection->proxy);

        connection->held = xcalloc(1, sizeof *connection->held);
        *connection->held = *why;
        if (why->code == ERR_CONNECT && is_proxys)
                connection_set_deadline(connection, LAST_WORDS_MS);
        else if (why->code == ERR_CONNECT && connection->jump_id != 0)
                connection_set_deadline(connection, JUMP_WORDS_MS);
        else
                connection_fail_held(connection);
}

void connection_fail_held(struct connection *connection)
{
        struct err err = *connection->held;

        if (connection->proxy != NULL && err.code == ERR_CONNECT)
                add_proxy_words(connection, &err);
        connection_fail(connection, &err);
}

static void on_proxy_ended(void *arg)
{
        struct connection *connection = arg;

        if (connection->held != NULL && connection_is_live(connection))
                connection_fail_held(connection);
}

static bool check_proxy(const struct ssh_config *config, struct err *err)
{
        if (config->proxy_passes_fd)
                return err_set(
                        err, ERR_CONNECT,
                        "its configuration has ProxyUseFdpass, which is not supported: use a "
                        "ProxyCommand that relays the bytes itself");
        if (strcmp(config->proxy_command, "-") == 0)
                return err_set(
                        err, ERR_CONNECT,
                        "its configuration has ProxyCommand -, which is not supported: there "
                        "is no terminal behind a server's standard input");
        return true;
}

static void start_proxy(struct connection *connection)
{
        struct err err = { 0 };
        int fd = -1;

        scoped_free char *text =
                check_proxy(connection->config, &err) ? proxy_command_text(connection, &err) : NULL;
        if (text == NULL
            || !proxy_start(&connection->proxy, connection->env->loop, text, on_proxy_ended,
                            connection, &fd, &err)) {
                connection_fail_setup(connection, &err);
                return;
        }
        log_debug("%s: runs its ProxyCommand", connection->name);
        go_on(connection, fd);
}

/* ---- behind a jump host ---- */

static void fail_behind(struct connection *connection, const struct err *why)
{
        const char *text = why->text;
        struct err err;

        if (strncmp(text, LOST, strlen(LOST)) == 0)
                text += strlen(LOST);
        if (connection->state == CONNECTION_READY) {
                (void)err_set(&err, why->code, LOST "the jump host %s is gone: %s",
                              connection->jump_name, text);
                connection_fail(connection, &err);
                return;
        }
        (void)err_set(&err, why->code, "its jump host %s: %s", connection->jump_name, text);
        connection_fail_setup(connection, &err);
}

static void want_jump(struct connection *connection)
{
        struct connection_env *env = connection->env;
        scoped_free char *rest = NULL;
        struct hop hop = { 0 };
        struct err err = { 0 };

        if (!hops_take_last(connection->config->proxy_jump, &hop, &rest, &err)) {
                connection_fail_setup(connection, &err);
                return;
        }
        free(connection->jump_name);
        connection->jump_name = xstrdup(hop.text);
        if (!env->on_jump(env->arg, connection, &hop, rest, &err))
                connection_fail_setup(connection, &err);
        hop_fini(&hop);
}

/* The jump host's postbox takes both or nothing. */
static bool send_open(struct connection *connection, struct connection *jump, int *fd,
                      struct err *err)
{
        struct postbox *postbox = jump->postbox;
        size_t len = strlen(connection->host);
        int64_t limit_ms = connection_limit_ms(connection, DIAL_MS);

        if (postbox_room(postbox) < WIRE_HEADER_LEN + len + 16 || !postbox_pass_fd(postbox, fd))
                return err_set(err, ERR_LIMIT,
                               "its jump host %s takes nothing now, because too much waits to be "
                               "sent there. Try again later",
                               connection->jump_name);
        struct wire_writer open =
                wire_begin(postbox_out(postbox), WIRE_FORWARD_OPEN, connection->id);
        wire_put_u32(&open, (uint32_t)connection->port);
        wire_put_u32(&open, (uint32_t)limit_ms);
        wire_put_text(&open, connection->host);
        if (!wire_end(&open))
                bug("%s: no room for a small frame", jump->name);
        postbox_flush(postbox);
        connection_set_deadline(connection, limit_ms + FORWARD_GUARD_MS);
        return true;
}

static void open_forward(struct connection *connection, struct connection *jump)
{
        struct err err = { 0 };
        int ends[2];

        if (!socket_pair(ends, &err)) {
                connection_fail_setup(connection, &err);
                return;
        }
        connection->forward_fd = ends[0];
        connection->forward = FORWARD_ASKED;
        if (!send_open(connection, jump, &ends[1], &err)) {
                scoped_close(&ends[1]);
                connection_fail_setup(connection, &err);
        }
}

void connection_set_jump(struct connection *connection, struct connection *jump)
{
        log_debug("%s: goes through %s", connection->name, jump->name);
        connection->jump_id = jump->id;
        connection_on_jump_ready(connection, jump);
}

void connection_on_jump_ready(struct connection *connection, struct connection *jump)
{
        if (connection->state != CONNECTION_DIALING || connection->forward != FORWARD_NONE
            || jump->state != CONNECTION_READY)
                return;
        if (jump->postbox != NULL)
                open_forward(connection, jump);
        else /* its worker has died, which connection_on_jump_end() will tell soon */
                connection->forward = FORWARD_ASKED;
}

/* One whose time is up, or that was closed, asks no more: what it hears now comes too late. */
static bool is_asking(const struct connection *connection)
{
        return connection->state == CONNECTION_DIALING && connection->forward == FORWARD_ASKED
               && connection->held == NULL;
}

static void forget_forward(struct connection *connection)
{
        connection->jump_id = 0;
        connection->forward = FORWARD_NONE;
        scoped_close(&connection->forward_fd);
        connection->forward_fd = -1;
}

void connection_on_jump_end(struct connection *connection, struct connection *jump,
                            const struct err *why)
{
        bool was_asking = is_asking(connection);

        if (connection->state == CONNECTION_DIALING && connection_is_live(jump))
                return; /* that it ends is all that is known yet */
        forget_forward(connection);
        if (why->code == ERR_CANCELLED) {
                struct err closed;
                (void)err_set(&closed, ERR_CANCELLED, "interrupted: its jump host %s was closed",
                              connection->jump_name);
                connection_remember_losses(connection, closed.text);
                connection_close_because(connection, &closed, CLOSE_GRACE_MS);
        } else if (was_asking && !connection->has_asked_again) {
                connection->has_asked_again = true;
                connection_set_deadline(connection, -1);
                want_jump(connection);
        } else {
                fail_behind(connection, why);
        }
}

/* The connection that a frame of its jump host is about; NULL: it is gone, or none of that host's.
 */
static struct connection *behind(struct connection *jump, const struct frame *frame)
{
        struct connection *found = jump->env->find(jump->env->arg, frame->id);

        return found != NULL && found->jump_id == jump->id ? found : NULL;
}

void connection_on_forward_opened(struct connection *jump, const struct frame *frame)
{
        struct connection *connection = behind(jump, frame);

        /* it may have ended meanwhile, or be about to; its socket goes with it */
        if (connection == NULL || !is_asking(connection) || frame->len != 0)
                return;
        connection->forward = FORWARD_OPEN;
        go_on(connection, take_fd(&connection->forward_fd));
}

void connection_on_forward_ended(struct connection *jump, const struct frame *frame)
{
        struct connection *connection = behind(jump, frame);
        struct wire_reader reader = wire_read(frame);
        struct str why = wire_get_bytes(&reader);
        struct err err;

        if (connection == NULL)
                return;
        bool was_asking = connection->forward == FORWARD_ASKED;
        connection->forward = FORWARD_NONE;
        if (!was_asking)
                return; /* its own worker sees it, and knows more */
        scoped_free char *text = remote_text(why, ERR_TEXT_MAX / 2);
        (void)err_set(&err, ERR_CONNECT, "%s", text[0] != 0 ? text : "it closed the connection");
        forget_forward(connection);
        fail_behind(connection, &err);
}

/* ---- all of them ---- */

void connection_take_route(struct connection *connection)
{
        const struct ssh_config *config = connection->config;

        if (config->proxy_jump != NULL)
                want_jump(connection);
        else if (config->proxy_command != NULL)
                start_proxy(connection);
        else
                dial(connection);
}

void connection_write_reach_deadline(const struct connection *connection, struct err *err)
{
        (void)err_set(err, ERR_CONNECT, "its jump host %s does not answer",
                      connection->jump_name != NULL ? connection->jump_name : "");
}

void connection_leave_route(struct connection *connection)
{
        struct connection *jump = connection->env->find(connection->env->arg, connection->jump_id);

        if (jump != NULL && connection->forward != FORWARD_NONE && jump->postbox != NULL
            && connection_is_live(jump)) {
                (void)wire_write_bare(postbox_out(jump->postbox), WIRE_FORWARD_CLOSE,
                                      connection->id); /* full: its worker sees the socket's end */
                postbox_flush(jump->postbox);
        }
        forget_forward(connection);
        proxy_free(connection->proxy);
        connection->proxy = NULL;
        free(connection->held);
        connection->held = NULL;
}
