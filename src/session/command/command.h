#pragma once
/*
 * command.h - one command, from being asked for to its last byte.
 *
 * Made by engine_run(); lives in the engine's table until it is forgotten (the oldest finished
 * ones go when there are more than COMMANDS_KEPT; a running one never goes). Everyone else holds
 * a command_id; MCP clients hold command_name().
 *
 * Process: supervisor.
 * Memory:  the table owns every command; pointers returned here are borrowed and good until the
 *          next turn of the loop.
 */
#include "base/err.h"
#include "session/command/output.h"
#include "wire/message.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct { uint64_t n; } command_id; /* n 0: none; never reused */

enum command_state {
        COMMAND_QUEUED,      /* waiting for its connection or its shell to be there */
        COMMAND_RUNNING,
        COMMAND_AWAITING,    /* a program on the host waits for input; see awaiting and question */
        COMMAND_DONE,        /* ended by itself; the status is known unless status_known is false */
        COMMAND_FAILED,      /* could not be run at all; error tells why */
        COMMAND_INTERRUPTED, /* ended because it was asked to */
        COMMAND_LOST,        /* the connection went away under it; error tells how. Status unknown */
};

#define COMMAND_TEXT_MAX (1024 * 1024) /* bytes; a longer command is refused: write a script file */
#define COMMANDS_KEPT    100           /* finished ones; the oldest is forgotten with its output */

/* What is known of a command at this moment. Texts are never NULL unless it says so. */
struct command_info {
        command_id id;
        const char *name;    /* 36 characters, for clients */
        const char *session; /* "user@host:port", "user@host:port/shell", or what the caller said
                                as long as the host is not resolved */
        const char *text;    /* the command as it was given, without secrets */
        enum command_state state;
        bool isolated;

        bool status_known;
        int exit_status;     /* 0…255, only if status_known */
        const char *signal;  /* SSH's name without SIG; NULL: none */
        const char *reason;  /* why there is no status; "" if there is one or it has not ended */
        struct err error;    /* FAILED and LOST; else code is ERR_NONE */

        enum wire_awaiting awaiting; /* only while AWAITING, else WIRE_AWAITING_NOTHING */
        const char *question;        /* the line that asks, or the program's name */

        enum wire_stopping stopping; /* what came of the last engine_interrupt(), unless it ended */
        int64_t stopping_pid;        /* of the process on the host that goes on; 0 unknown */
        const char *stopping_name;   /* its program; "" unknown */

        int64_t asked_wall_ms;
        int64_t ended_wall_ms; /* 0: not yet */
        int64_t duration_ms;   /* from being asked for to its end, or until now */

        const char *cwd;   /* of the shell after it; NULL unknown */
        const char *notes; /* lines of ours for the reader, "\n" between them; "" none */
        bool new_shell;    /* its shell was opened for it */
        unsigned redactions; /* secrets taken out of its output so far */

        struct output *out; /* never NULL */
        struct output *err; /* NULL unless isolated */
};

bool command_state_is_final(enum command_state state);
const char *command_state_name(enum command_state state); /* "queued" … "lost" */
