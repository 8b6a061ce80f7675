#pragma once
/*
 * progress.h - when a waiting call says that it is alive, and what it says.
 *
 * First PROGRESS_FIRST_MS after the call began, then at most once in PROGRESS_FLOW_MS while
 * something happens and once in PROGRESS_QUIET_MS while nothing does.
 *
 * Process: supervisor. Pure.
 */
#include "session/command/command.h"

#include <jansson.h>

#define PROGRESS_TICK_MS  500
#define PROGRESS_FIRST_MS 500
#define PROGRESS_FLOW_MS  1000
#define PROGRESS_QUIET_MS 10000
#define PROGRESS_LINE_MAX 120 /* bytes of the output's last line */

struct progress {
        json_t *token; /* owned; NULL: the client wants none */
        int64_t sent_ms; /* value of the last one; 0: none yet */
        uint64_t seen_total;
        size_t seen_partial;
};

void progress_init(struct progress *progress, json_t *token); /* shares the token */
void progress_fini(struct progress *progress);

/* The params of a notification if one is due elapsed_ms after the call began, else NULL. */
json_t *progress_due(struct progress *progress, int64_t elapsed_ms,
                     const struct command_info *info);
