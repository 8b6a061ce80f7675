#pragma once
/*
 * forward.h - TCP connections that this host makes for others: direct-tcpip channels (RFC 4254
 * 7.2) whose bytes are relayed to and from a socket. That is how a jump host is one: the socket's
 * other end is the worker of the host behind it.
 *
 * Both directions have a small buffer of their own and end on their own; what the one side does
 * not take is not read from the other. A forward that is idle is only an fd in a poll() and a
 * channel that libssh keeps.
 *
 * Process: worker.
 * Memory:  forwards_fini() closes and frees all; accepts zeroed memory.
 * Errors:  told as WIRE_FORWARD_ENDED, once for each id. A session that is broken as a whole is
 *          seen by the worker's loop, which tells it first.
 */
#include "base/buf.h"
#include "base/str.h"

#include <libssh/libssh.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORWARDS_MAX 256 /* at once; one more is refused */

struct forward;

struct forwards {
        ssh_session ssh;                     /* not ours */
        struct buf *frames;                  /* not ours: where things are told */
        struct forward *items[FORWARDS_MAX]; /* the first count are there */
        size_t count;
        bool has_more; /* there was more to relay than the last turn's budget */
};

void forwards_init(struct forwards *forwards, ssh_session ssh, struct buf *frames);
void forwards_fini(struct forwards *forwards);

struct forward_request {
        uint64_t id;
        struct str host;
        uint32_t port;
        int64_t open_by_ms;
};

/* Takes the fd, also where it is refused. */
void forwards_open(struct forwards *forwards, const struct forward_request *request, int fd);

/* By the supervisor: nobody is behind it any more. Not there: nothing happens. */
void forwards_close(struct forwards *forwards, uint64_t id);

/* What to wait for, at most FORWARDS_MAX entries; returns how many there are. */
size_t forwards_poll(const struct forwards *forwards, struct pollfd *out_fds);

/* Relays what can be, within a budget each, and sees who has ended. Needs a session that is well.
 */
void forwards_turn(struct forwards *forwards, int64_t now_ms);

/* When one that is opening has to be given up; INT64_MAX: none is. */
int64_t forwards_deadline_ms(const struct forwards *forwards);
