#pragma once
/*
 * command_private.h - the inside of a command: for commands.c and the connection it runs on.
 *
 * Process: supervisor.
 * Memory:  made and freed by the table (commands.h); see command.h for the rest.
 */
#include "base/buf.h"
#include "base/list.h"
#include "base/secret.h"
#include "session/command/command.h"

#define COMMAND_NAME_LEN     36         /* of a UUID */
#define COMMAND_NOTES_MAX    (4 * 1024) /* bytes; later notes are left out */
#define COMMAND_QUESTION_MAX 1024       /* bytes of the line that asks; a longer one is cut */
#define COMMAND_CWD_MAX      (4 * 1024) /* bytes; a longer path is cut */

/* Told of every change of state and of all that is printed; it only takes a note. */
struct command_watch {
        void (*changed)(void *arg);
        void (*printed)(void *arg);
        void *arg;
};

/* Of an elevated command. */
struct command_sudo {
        size_t own_at;           /* as in struct wire_sudo; before it is sent in its own text */
        struct secret *password; /* the operator's or the call's; NULL: a person's, if there is one.
                                    Freed when the command has ended */
};

struct command {
        command_id id;
        char name[COMMAND_NAME_LEN + 1];
        struct list_node node;             /* in the table, by age */
        const struct command_watch *watch; /* not ours */
        uint64_t connection;               /* id of the one it runs on, 0 not yet */
        uint64_t shell;                    /* id on that connection, 0: isolated or not yet */
        bool is_sent;                      /* the worker was told to run it */
        bool was_moved;                    /* its first connection was lost before that */
        bool isolated;
        struct command_sudo *sudo; /* NULL: it is not elevated */
        bool is_started; /* the worker has seen its start mark */
        bool new_shell;
        const struct redactor *redactor; /* not ours; NULL: none */
        char *session;
        char *text;
        char *shown_text; /* the same without secrets; NULL: there is none in it */
        char *start_dir; /* isolated: where it begins; NULL where the server puts it */
        size_t text_len;

        enum command_state state;
        bool status_known;
        int exit_status;
        char signal[WIRE_SIGNAL_NAME_MAX];
        char *reason;
        struct err error;
        enum wire_awaiting awaiting;
        char *question;
        enum wire_stopping stopping;
        int64_t stopping_pid;
        char *stopping_name; /* NULL unknown */

        int64_t asked_ms; /* clock_now_ms() */
        int64_t ended_ms;
        int64_t asked_wall_ms;
        int64_t ended_wall_ms;
        int64_t output_ms; /* when it last printed something */

        char *cwd; /* NULL unknown */
        struct buf notes;
        struct output *out;
        struct output *err;
};

struct command *command_new(const char *text, size_t len, bool isolated, const char *session);
void command_free(struct command *command);

/* Before anything else is done with it. */
void command_set_redactor(struct command *command, const struct redactor *redactor);

const char *command_shown_text(const struct command *command); /* what the text may be shown as */

/* The only place that changes the state; a move that is not in the table is a bug(). */
void command_set_state(struct command *command, enum command_state next);
bool command_may_become(enum command_state from, enum command_state to);

/* It is elevated. password may be NULL, and is copied. */
void command_set_sudo(struct command *command, size_t own_at, const struct secret *password);
void command_set_session(struct command *command, const char *session);
void command_set_awaiting(struct command *command, enum wire_awaiting awaiting, char **question);
void command_set_stopping(struct command *command, enum wire_stopping stopping, int64_t pid,
                          char **name); /* name taken, may be NULL */
void command_add_note(struct command *command, const char *note);
void command_add_output(struct command *command, unsigned stream, struct str bytes);
void command_set_partial(struct command *command, struct str bytes); /* of standard output */

/* Ends a command that is not in a final state yet, without a status. */
void command_end(struct command *command, enum command_state state, const struct err *why);

/* As the worker tells it; the texts are bounded and repaired here. */
void command_end_as_told(struct command *command, const struct wire_end *end);

struct command_info command_describe(const struct command *command);
