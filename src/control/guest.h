#pragma once
/*
 * guest.h - one `mcp-ssh-session login` at the control socket: what it asks for, the questions on
 * their way to it, its answers.
 *
 * How a guest ends: it hangs up, talks nonsense, or has been told the end of its log-in; all lead
 * to guest_end(), which takes its watch off, so that an open question counts as declined. The
 * connection itself stays.
 *
 * Process: supervisor.
 * Memory:  a guest frees itself when its handles are closed, after on_gone; the owner then
 *          forgets it.
 * Errors:  what goes wrong with the log-in is told to the guest, in words.
 */
#include "session/engine.h"

#include <uv.h>

struct guest;

/* Accepts from the listener. NULL: it could not be accepted, or is another user's. */
struct guest *guest_accept(uv_stream_t *listener, struct engine *engine,
                           void (*on_gone)(void *arg, struct guest *guest), void *arg);
void guest_end(struct guest *guest); /* twice is fine */
