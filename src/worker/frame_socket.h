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

struct frame_socket {
        int fd;
        struct buf in;
        size_t in_used;  /* bytes of in that were handed out as frames */
        struct buf out;  /* frames are written into it with wire_write_…() */
        size_t out_sent; /* bytes of out that have left */
};

void frame_socket_init(struct frame_socket *frames, int fd); /* takes the fd */
void frame_socket_fini(struct frame_socket *frames);

/* Reads what is there. False: the supervisor is gone or talks nonsense. */
bool frame_socket_receive(struct frame_socket *frames);

/* The next whole frame, good until frame_socket_receive(); false when there is none. */
bool frame_socket_next(struct frame_socket *frames, struct frame *out_frame);

/* Sends what the socket takes. False: the supervisor is gone. */
bool frame_socket_send(struct frame_socket *frames);

size_t frame_socket_unsent(const struct frame_socket *frames);

/* Waits until everything has left or ms have passed; for the last words. */
void frame_socket_drain(struct frame_socket *frames, int ms);
