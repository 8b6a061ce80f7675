#pragma once
/*
 * shells.h - the named shells of one connection and which commands hold them.
 *
 * A shell runs one command at a time. The exception is nesting: while its innermost command waits
 * with a nested shell at its prompt (sudo -i, docker exec -it), the next command runs inside.
 *
 * Process: supervisor. Pure: what is said to the worker is the connection's.
 * Memory:  shells owns every shell.
 */
#include "base/err.h"
#include "base/idmap.h"
#include "base/list.h"
#include "session/command/commands.h"

#include <stdbool.h>
#include <stdint.h>

#define SHELL_NESTING_MAX 16 /* commands inside each other; the next is refused */

enum shell_state {
        SHELL_WANTED,  /* its connection is not ready yet */
        SHELL_OPENING, /* the worker was told to */
        SHELL_READY,
        SHELL_CLOSING, /* the worker was told to; its name is free again */
};

/* One of the shells inside one another; level n + 1 was opened by the command held_by[n]. */
struct shell_level {
        char *program;        /* "bash"; "" or NULL not known */
        char *limits;         /* what is not exact in it; "" or NULL all is */
        bool is_limits_told;  /* some command's result says so */
};

struct shell {
        struct list_node node;
        uint64_t id; /* of this connection, never reused */
        char *name;
        enum shell_state state;
        command_id held_by[SHELL_NESTING_MAX]; /* outermost first */
        unsigned depth;
        struct shell_level levels[SHELL_NESTING_MAX + 1]; /* the login shell, and those inside it */
        bool is_watched; /* the kernel of the host can be asked about it */
        char *cwd;     /* NULL unknown */
        int64_t opened_wall_ms;
};

struct shells {
        struct list_node list;
        struct idmap ids;
        unsigned count;
};

void shells_init(struct shells *shells);
void shells_fini(struct shells *shells); /* accepts zeroed memory */

struct shell *shells_add(struct shells *shells, const char *name);
void shells_remove(struct shells *shells, struct shell *shell);
struct shell *shells_find(const struct shells *shells, uint64_t id);
struct shell *shells_find_name(const struct shells *shells,
                               const char *name); /* none that is closing */
bool shells_was_given(const struct shells *shells, uint64_t id);

/* Takes program and limits; that may be NULL, as far as they are not known. */
void shell_set_level(struct shell *shell, unsigned level, char **program, char **limits);

/* How many levels are open: one more than its commands, if the last has a shell at its prompt. */
unsigned shell_levels(const struct shell *shell, const struct commands *commands);

/* The command that runs in it now; n 0 none. */
command_id shell_top(const struct shell *shell);

/* May a further command run in it? Else ERR_STATE and the one that holds it, or ERR_LIMIT. */
bool shell_may_take(const struct shell *shell, const struct commands *commands,
                    command_id *out_busy, struct err *err);
void shell_push(struct shell *shell, command_id id);
void shell_drop(struct shell *shell, command_id id);
