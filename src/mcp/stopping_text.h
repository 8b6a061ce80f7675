#pragma once
/*
 * stopping_text.h - what came of an interrupt, in words and for programs.
 *
 * Process: supervisor. Pure.
 * Memory:  what is returned is the caller's; out takes what fits.
 */
#include "base/buf.h"
#include "session/engine.h"

#include <jansson.h>

#define STOPPING_META "mcp-ssh-session/interrupt"

/* "stopped: …", "still running (pid 7, sleep): …", "unconfirmed: …", and what to do about it. */
void stopping_write(struct buf *out, const struct command_info *info);

/* {"outcome": "stopped" | "still_running" | "unconfirmed", "pid": number or null} */
json_t *stopping_facts(const struct command_info *info);
