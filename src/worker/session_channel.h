#pragma once
/*
 * session_channel.h - one SSH session channel (RFC 4254 6), opened, written and read without blocking.
 *
 * libssh is used without data callbacks: what the host sends stays in libssh, inside the channel's
 * window, until session_channel_read() takes it; not reading is the back-pressure.
 *
 * Process: worker.
 * Memory:  session_channel_free() closes and frees; accepts NULL.
 * Errors:  SESSION_CHANNEL_FAILED with a text in session_channel_error(); a session that is broken as a whole is
 *          seen by the worker's loop, not here.
 */
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "worker/channel_env.h"

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_CHANNEL_OPEN_TIMEOUT_MS 10000
#define SESSION_CHANNEL_UNSENT_MAX      (2 * 1024 * 1024) /* bytes queued by session_channel_write(); more is refused */

struct session_channel;

enum session_channel_state {
        SESSION_CHANNEL_OPENING,
        SESSION_CHANNEL_OPEN,
        SESSION_CHANNEL_FAILED, /* the host refused it, or did not answer in time */
        SESSION_CHANNEL_CLOSED, /* by the host: no more bytes will come; session_channel_end() tells what is known */
};

struct session_channel_request {
        const char *exec;       /* command for an exec request; NULL: a PTY with the login shell */
        uint32_t columns, rows; /* of the PTY */
        bool close_stdin;       /* send EOF at once */
        bool is_held;           /* nothing is sent before session_channel_start() */
        const struct channel_env *env; /* asked for before it starts; NULL: nothing. Not ours */
};

struct session_channel_end {
        int status;         /* of exit-status (RFC 4254 6.10); -1: none came */
        const char *signal; /* of exit-signal; "": none. Borrowed from the channel */
};

struct session_channel *session_channel_new(ssh_session ssh, const struct session_channel_request *request, int64_t now_ms);
void session_channel_free(struct session_channel *channel);
void session_channel_start(struct session_channel *channel, int64_t now_ms); /* one that was held */
bool session_channel_is_held(const struct session_channel *channel);

enum session_channel_state session_channel_state(const struct session_channel *channel);
const char *session_channel_error(const struct session_channel *channel);
struct session_channel_end session_channel_end(const struct session_channel *channel);

/* Goes on with opening, sends what is queued, sees the end. Once a turn. */
void session_channel_turn(struct session_channel *channel, int64_t now_ms);

/* While opening: when session_channel_turn() must be called at the latest; else INT64_MAX. */
int64_t session_channel_deadline_ms(const struct session_channel *channel);

/* Bytes read, 0 for none now. */
size_t session_channel_read(struct session_channel *channel, bool is_stderr, void *out, size_t len);

/* Queues the bytes; false: SESSION_CHANNEL_UNSENT_MAX reached or the channel has ended. */
bool session_channel_write(struct session_channel *channel, const void *bytes, size_t len);

/* The secret and Enter (CR on a terminal, else LF); no copy of it stays here once it is sent. */
bool session_channel_write_secret(struct session_channel *channel, const struct secret *secret);

/* Sends EOF when all that is queued has left. */
void session_channel_close_stdin(struct session_channel *channel);

/* Tells the host the terminal's new size (RFC 4254 6.7), or asks for it so if it opens just now. */
void session_channel_resize(struct session_channel *channel, uint32_t columns, uint32_t rows);

/* Asks the host to signal the command (RFC 4254 6.9); name without SIG. Unconfirmed by nature. */
void session_channel_signal(struct session_channel *channel, const char *name);
