#pragma once
/*
 * commands.h - the table of all commands: the running ones and the last COMMANDS_KEPT others.
 *
 * Process: supervisor.
 * Memory:  owns every command. commands_add() forgets the oldest finished ones; nothing else
 *          frees a command before commands_free().
 */
#include "session/command/command_private.h"

#define COMMANDS_RUNNING_MAX 256 /* of all sessions together; one more is refused */

struct commands;

struct commands *commands_new(void);
void commands_free(struct commands *commands);

/* For all commands; see there. */
void commands_set_watch(struct commands *commands, const struct command_watch *watch);

command_id commands_add(struct commands *commands, struct command **command);
struct command *commands_find(const struct commands *commands, command_id id);
command_id commands_find_name(const struct commands *commands, const char *name);
bool commands_was_given(const struct commands *commands, command_id id); /* also if forgotten */

/* ERR_LIMIT when COMMANDS_RUNNING_MAX are running; the text tells how to free one. */
bool commands_has_room(const struct commands *commands, struct err *err);

/* From the newest (commands_last) on; NULL at the end. */
struct command *commands_last(const struct commands *commands);
struct command *commands_before(const struct commands *commands, const struct command *command);

/* The next one on that connection that has not ended; after NULL: the oldest. NULL: none is left. */
struct command *commands_next_live(const struct commands *commands, uint64_t connection,
                                   const struct command *after);
