#pragma once
/*
 * worker_private.h - the inside of a worker, for the files that are one.
 *
 *      worker.c           the poll loop, from connecting to the end
 *      worker_frames.c    what the supervisor asks for
 *      worker_shells.c    one probe for all shells, and whose turn it is to start
 *
 * Process: worker.
 * Memory:  everything is the process's own and goes with it.
 * Errors:  what the supervisor sends is trusted to decode, and to keep within the limits that are
 *          told it; a frame that does neither is a bug of ours, or is refused in words.
 */
#include "worker/forward.h"
#include "worker/frame_socket.h"
#include "worker/isolated.h"
#include "worker/liveness.h"
#include "worker/shell/shell.h"
#include "worker/worker.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#define SHELLS_MAX   8  /* the supervisor's own limit is lower or equal; more are refused */
#define FORMER_MAX   16 /* remembered; one more forgets the oldest */
#define ISOLATED_MAX 8  /* more are refused */
#define PENDING_MAX  16 /* commands whose text is still coming in */

struct pending {
        struct job *job;
        uint64_t shell_id; /* 0: isolated */
};

/* A number of a process is used again, but hardly with the same place for its stack. */
struct process {
        long long pid;
        long long stack; /* where it starts; 0 unknown */
};

struct worker {
        struct worker_fds fds;
        struct frame_socket frames;
        ssh_session ssh;
        struct ssh_counter_struct counter; /* of bytes on the socket */
        struct liveness liveness;
        struct channel_env env;
        ssh_channel ear; /* never opened: looking at it makes libssh read the socket */
        struct forwards forwards;
        struct probe *probe; /* NULL: not begun, or given up for good */
        bool probe_failed;
        struct shell *shells[SHELLS_MAX];
        struct process former[FORMER_MAX]; /* shells that were closed; the oldest is overwritten */
        unsigned former_count;
        struct isolated *isolated[ISOLATED_MAX];
        struct pending pending[PENDING_MAX];
        bool stopping;
};

/* worker_frames.c */
struct shell *worker_find_shell(struct worker *worker, uint64_t id); /* NULL: it has ended */
void worker_serve_frame(struct worker *worker, const struct frame *frame, int64_t now_ms);

/* worker_shells.c */

/* The oldest that waits, if no other is being found; see shell.h. */
void worker_start_next_shell(struct worker *worker, int64_t now_ms);
void worker_begin_probe(struct worker *worker, int64_t now_ms); /* unless there is one, or cannot be */
void worker_turn_probe(struct worker *worker, int64_t now_ms);
void worker_drop_shell(struct worker *worker, size_t at);
