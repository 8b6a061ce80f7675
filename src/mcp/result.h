#pragma once
/*
 * result.h - a command as the result of a tool call: its text (text.h), and the facts for
 * programs in _meta["mcp-ssh-session/command"].
 *
 * Process: supervisor.
 * Memory:  what is returned is the caller's.
 */
#include "mcp/text.h"

#include <jansson.h>

#define RESULT_META_COMMAND "mcp-ssh-session/command"

/* Done, awaiting or running, whatever it is now. isError if it was lost or never ran. */
json_t *result_of_run(const struct command_info *info, int64_t timeout_s,
                      const struct text_view *view);

json_t *result_of_status(const struct command_info *info, const struct text_view *view);
json_t *result_of_input(const struct command_info *info, const struct text_view *view);
json_t *result_of_start(const struct command_info *info); /* it goes on in background */

/* isError: the session's shell is taken by the command. */
json_t *result_of_busy(const struct command_info *holder);

/* text and the command's facts; shown may be NULL. */
json_t *result_with_facts(struct str text, bool is_error, const struct command_info *info,
                          const struct text_shown *shown);
