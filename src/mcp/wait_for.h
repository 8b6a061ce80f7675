#pragma once
/*
 * wait_for.h - the arguments wait_for and wait_for_regex, in the tools that have them, and how
 * the waiting ended: a line of text and _meta["mcp-ssh-session/wait"].
 *
 * Process: supervisor.
 * Memory:  what is sought is the call's.
 */
#include "base/regexp.h"
#include "mcp/call.h"

#define RESULT_META_WAIT    "mcp-ssh-session/wait"
#define WAIT_FOR_DEFAULT_S  30 /* with wait_for, where the caller gives no wait_s */

#define ARG_WAIT_FOR                                                                               \
        { .name = "wait_for", .kind = ARG_STRING, .max = SEEK_TEXT_MAX,                            \
          .help = "Text to wait for" }
#define ARG_WAIT_FOR_REGEX                                                                         \
        { .name = "wait_for_regex", .kind = ARG_STRING, .max = REGEXP_PATTERN_MAX,                 \
          .help = "The same as a regex" }

/* call->seek is made if the arguments want it, else it stays NULL. */
bool wait_for_take(struct call *call, struct err *err);

/* How long the call waits: wait_s; with call->seek, where it is not given, the default above. */
int64_t wait_for_ms(const struct call *call);

/* Adds how it ended to a result that shows a command or a screen; nothing without call->seek. */
void wait_for_tell(const struct call *call, enum wait_reason reason, json_t *result);

/* ---- on a screen ---- */

/* As call_read_screen(), with the time that is left of the call's. */
bool wait_for_read_screen(struct call *call, call_screened *screened, struct err *err);

/*
 * True: the screen does not end the wait, and another was asked for. False: *out_reason says how
 * it ended.
 */
bool wait_for_next_screen(struct call *call, const struct screen_info *info,
                          call_screened *screened, enum wait_reason *out_reason);
