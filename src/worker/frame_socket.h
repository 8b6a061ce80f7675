#pragma once
/*
 * frame_socket.h - the worker's end of the socket to the supervisor: whole frames in, bytes out.
 *
 * Process: worker.
 * Memory:  frame_socket_fini() frees and closes.
 * Errors:  a supervisor that is gone makes both calls return false; the worker then ends.
 */
#include "wire/frame.h"

#include <stdbool.h>

#define FRAME_SOCKET_OUT_MAX   (64 * 1024 * 1024) /* bytes; never reached, see FRAME_SOCKET_OUT_HIGH */
#define FRAME_SOCKET_OUT_HIGH  (512 * 1024)       /* bytes unsent: hosts are not read from above this */
#define FRAME_SOCKET_FDS_MAX   8                  /* read and not taken; frames are served each turn */

struct frame_socket {
        int fd;
        struct buf in;
        size_t in_used;  /* bytes of in that were handed out as frames */
        struct buf out;  /* frames are written into it with wire_write_…() */
        size_t out_sent; /* bytes of out that have left */
        int fds[FRAME_SOCKET_FDS_MAX]; /* that came in and were not taken yet, in their order */
        size_t fd_count;
};

void frame_socket_init(struct frame_socket *frames, int fd); /* takes the fd */
void frame_socket_fini(struct frame_socket *frames);

/* Reads what is there. False: the supervisor is gone or talks nonsense. */
bool frame_socket_receive(struct frame_socket *frames);

/*
 * The fd that came with the frame handed out last, yours; -1: none came. Every frame that carries
 * one has to be asked for it: they come in the order of their frames.
 */
int frame_socket_take_fd(struct frame_socket *frames);

/* The next whole frame, good until frame_socket_receive(); false when there is none. */
bool frame_socket_next(struct frame_socket *frames, struct frame *out_frame);

/* Sends what the socket takes. False: the supervisor is gone. */
bool frame_socket_send(struct frame_socket *frames);

size_t frame_socket_unsent(const struct frame_socket *frames);

/* Waits until everything has left or ms have passed; for the last words. */
void frame_socket_drain(struct frame_socket *frames, int ms);
