#pragma once
/*
 * control.h - the server's control socket, where a person's `mcp-ssh-session login` comes in.
 *
 * It has no side effects until control_open(), which is called when the first connection is about
 * to be made, and again at each further one until it has succeeded. What cannot be opened is
 * logged, and the server works without: nobody can then be asked.
 *
 * How it ends: control_stop() hangs up on all guests, takes their watches off the engine and
 * removes the socket; control_free() is for after the loop has ended, NULL is fine.
 *
 * Process: supervisor.
 * Memory:  the guests are its own; the engine is lent, and freed after it.
 */
#include "session/engine.h"

#define CONTROL_GUESTS_MAX 8 /* at a time; a further one is hung up on */

struct control;

struct control *control_new(uv_loop_t *loop, struct engine *engine);
void control_open(struct control *control);
void control_stop(struct control *control);
void control_free(struct control *control);
