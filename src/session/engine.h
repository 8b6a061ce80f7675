#pragma once
/*
 * engine.h - the door to everything behind MCP: hosts, connections, shells, commands.
 *
 * Nothing here blocks. What takes time (ssh -G, name look-up, TCP, key exchange, the command
 * itself) happens in later turns of the loop and shows in the command's state; engine_wait()
 * tells when.
 *
 * Process: supervisor.
 * Memory:  the engine owns its connections, shells and commands; callers hold ids.
 * Errors:  false and *err: the request itself is at fault (ERR_INPUT, ERR_NOT_FOUND, ERR_STATE,
 *          ERR_LIMIT). What goes wrong later ends the command as FAILED or LOST with its error.
 */
#include "base/err.h"
#include "base/secret.h"
#include "session/command/command.h"
#include "session/command/seek.h"
#include "session/config/config_source.h"
#include "session/terminal/screen.h"
#include "session/watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct uv_loop_s uv_loop_t;
struct engine;

struct engine_config {
        struct config_source ssh_config; /* its texts must outlive the engine */
        int zygote_fd;                   /* spawn.h socket; taken by the engine */
        uint32_t columns, rows;          /* of terminals; 0 and 0: 200 and 50 */
        const char *host_key_policy;     /* "strict" or "accept-new"; NULL: as ssh_config says */
        void (*on_connecting)(void *arg); /* a connection is about to be made; NULL: no matter */
        void *arg;
};

bool engine_knows_host_key_policy(const char *name);

bool engine_new(struct engine **out_engine, uv_loop_t *loop, const struct engine_config *config,
                struct err *err);

/*
 * How the engine ends. engine_stop() refuses new work, ends every command as INTERRUPTED, tells
 * the workers to stop, and closes its handles so that the loop can run dry; workers that are
 * still there ENGINE_STOP_GRACE_MS later are killed. engine_free() is for after the loop has
 * ended; it accepts NULL and an engine that engine_new() could not finish.
 */
#define ENGINE_STOP_GRACE_MS 300
void engine_stop(struct engine *engine);
void engine_free(struct engine *engine);

/* ---- secrets ---- */

/*
 * From now on it is shown nowhere: not in output, not in what engine_redact() is asked about.
 * For whatever hands one over; engine_run() knows its password, the environment's are known.
 */
bool engine_add_secret(struct engine *engine, const char *bytes, size_t len, struct err *err);

/* False: there is nothing to take out. Else the text without secrets is appended to out. */
bool engine_redact(const struct engine *engine, struct str text, struct buf *out);

/* Which session a call means. Texts are borrowed for the call; NULL or "": not given. */
struct session_ref {
        const char *host; /* name, alias, user@host, user@host:port, [v6]:port */
        const char *username;
        int port; /* 0: not given */
        const char *shell; /* name of the shell on that connection; default "default" */
        const char *key_filename; /* only for engine_connect(); a run has its own */
};

/*
 * Connects without running anything, with the watch looking on (watch.h). *out_is_ready: it was
 * connected before, and the watch will hear of nothing but its end. ERR_STATE: it has a watch
 * already. A watch that can ask a person is a person: refused log-ins of before do not count.
 */
bool engine_connect(struct engine *engine, const struct session_ref *session,
                    const struct connection_watch *watch, uint64_t *out_id, bool *out_is_ready,
                    struct err *err);
void engine_unwatch(struct engine *engine, uint64_t id); /* it is gone: fine */

/*
 * Writes down the key that the watch was shown (watch.h). ERR_STATE: the connection is gone or has
 * shown none; ERR_SYSTEM: the file cannot be written.
 */
bool engine_add_host_key(struct engine *engine, uint64_t id, struct err *err);

/* To the watch's on_prompt, at most once for each; NULL: declined. Nothing is asked: fine. */
void engine_answer(struct engine *engine, uint64_t id, const struct secret *answer);

/*
 * For sudo on this connection's host, until the server ends or sudo refuses it. ERR_STATE: it is
 * not connected; ERR_HOST_KEY: its key was new; ERR_INPUT: nobody can type such a password.
 */
bool engine_keep_sudo_password(struct engine *engine, uint64_t id, const struct secret *password,
                               struct err *err);

/* The host of the last log-in that was refused, as its call said it; "" none. Borrowed. */
const char *engine_last_refused(const struct engine *engine);

struct run_request {
        struct session_ref session;
        const char *key_filename;
        const char *password;
        const char *text; /* the command */
        size_t text_len;
        bool isolated;
        bool use_sudo;             /* all of it runs elevated; so it does with a sudo_password */
        const char *sudo_password; /* the operator's own wins; NULL or "": not given */
};

/*
 * Starts the command, or says at once why not: arguments outside the grammar, a shell that is
 * busy (ERR_STATE; *out_busy names the command that holds it, else it is 0), too many of
 * something. A shell whose running command awaits input because a nested shell is at its
 * prompt is not busy: the command runs inside.
 */
bool engine_run(struct engine *engine, const struct run_request *request, command_id *out_id,
                command_id *out_busy, struct err *err);

/*
 * Ctrl-C, then TERM and KILL to what is in front of its terminal (a shell's command), or SSH's
 * signals INT, TERM and KILL (isolated), with pauses, as long as it runs. It ends, or its info's
 * `stopping` tells what is known; a wait with until_stopped ends with either.
 * ERR_STATE if it has ended already: a late interrupt is not a fault.
 */
bool engine_interrupt(struct engine *engine, command_id id, struct err *err);

/* Types the bytes into what the command runs; ERR_STATE if it has ended or is isolated. */
bool engine_input(struct engine *engine, command_id id, const char *bytes, size_t len,
                  struct err *err);

/* Types into a session's shell; *out_id is the command that gets it, n 0 if none runs. */
bool engine_session_input(struct engine *engine, const struct session_ref *session,
                          const char *bytes, size_t len, command_id *out_id, struct err *err);

/* ---- the terminal ---- */

/*
 * What a session's terminal shows; done is called when it has come, see screen.h. *out_command is
 * the command in front, n 0 if none of ours runs. ERR_NOT_FOUND, ERR_STATE: there is no such
 * shell, or not yet.
 */
bool engine_read_screen(struct engine *engine, const struct session_ref *session,
                        const struct screen_request *request, screen_done *done, void *arg,
                        uint64_t *out_ticket, command_id *out_command, struct err *err);
void engine_cancel_screen(struct engine *engine, uint64_t ticket); /* ended already: fine */

/* Types keys as keys.h has them. ERR_INPUT names one that there is not, and nothing is typed. */
bool engine_send_keys(struct engine *engine, const struct session_ref *session, const char *keys,
                      size_t len, struct err *err);

/* ---- looking at commands ---- */

command_id engine_find(const struct engine *engine, const char *name); /* n 0: no such command */
bool engine_info(const struct engine *engine, command_id id, struct command_info *out_info);

/* Calls visit for each command, the newest first, until it returns false. */
typedef bool command_visit(void *arg, const struct command_info *info);
void engine_each_command(const struct engine *engine, command_visit *visit, void *arg);

/* ---- waiting ---- */

enum wait_reason {
        WAIT_ENDED,    /* the command is in a final state */
        WAIT_AWAITING, /* it waits for input */
        WAIT_STOPPING, /* it was asked to stop and has not; see its info's `stopping` */
        WAIT_QUIET,    /* quiet_ms without output, after the wait began */
        WAIT_DEADLINE,
        WAIT_FOUND,    /* what seek looks for is there */
        WAIT_GONE,     /* the command was forgotten or the engine stops */
        WAIT_TICK,     /* not the end: tick_ms have passed again; the wait goes on */
};

struct wait_spec {
        int64_t deadline_ms; /* absolute, clock_now_ms() */
        int64_t quiet_ms;    /* 0: quiet does not end the wait */
        int64_t tick_ms;     /* 0: no ticks */
        bool until_stopped;  /* waits for what comes of engine_interrupt(), not for questions */
        struct seek *seek;   /* in standard output; not taken, outlives the wait; NULL: nothing */
};

typedef struct { uint64_t n; } wait_id;

/* id is the command's; arg is what was given to engine_wait(). Never called from inside it. */
typedef void wait_done(void *arg, wait_id wait, command_id id, enum wait_reason reason);

/*
 * Calls done exactly once with the reason that ends the wait (and any number of WAIT_TICK before
 * it), in a later turn, also when the command has ended already. After engine_wait_cancel() it
 * is not called any more; cancelling an ended wait is harmless.
 */
wait_id engine_wait(struct engine *engine, command_id id, const struct wait_spec *spec,
                    wait_done *done, void *arg);
void engine_wait_cancel(struct engine *engine, wait_id wait);

/* ---- sessions ---- */

#define SESSION_LEVELS_MAX 17 /* shells inside one another: SHELL_NESTING_MAX and the login shell */

struct session_level {
        const char *program; /* "bash", "" not known */
        const char *limits;  /* what is not exact in it, or why it runs no commands; "" all is exact */
        command_id opened_by; /* n 0: the login */
};

struct session_info {
        const char *name;        /* "user@host:port" or "user@host:port/shell" */
        const char *host_given;  /* what the caller called it */
        const char *state;       /* "connecting", "ready", "busy" */
        const char *shell;       /* the login shell's program ("bash"), "" not known yet */
        struct session_level levels[SESSION_LEVELS_MAX]; /* the login shell first */
        unsigned level_count;    /* 0 without a shell */
        const char *cwd;         /* NULL unknown */
        const char *server;      /* SSH identification of the server, "" not yet */
        const char *auth_method; /* "publickey (id_ed25519)", …; "" not yet */
        const char *via;         /* jump hosts or "its ProxyCommand"; "" straight, or not known yet */
        const char *legacy;      /* algorithms agreed on that are no longer safe, "" none */
        command_id command;      /* running there, n 0 none */
        int64_t opened_wall_ms;
        bool is_shell;           /* false: the connection alone, no shell is open on it */
        bool is_watched;         /* the kernel of the host can be asked what the shell does */
};

typedef bool session_visit(void *arg, const struct session_info *info);
void engine_each_session(const struct engine *engine, session_visit *visit, void *arg);

/* What is in force of the workers' sandbox: "no_new_privs, Landlock"; NULL before the first worker. */
const char *engine_sandbox(const struct engine *engine);

/* Where the user's SSH agent listens; NULL: there is none. Yours, free(). */
char *engine_agent_path(const struct engine *engine);

/*
 * Closes one shell (session->shell given) or the connection with all its shells; commands in it
 * become INTERRUPTED. *out_closed is how many shells and connections were closed; 0 is no error.
 */
bool engine_close_session(struct engine *engine, const struct session_ref *session,
                          unsigned *out_closed, struct err *err);
unsigned engine_close_all(struct engine *engine); /* how many connections were closed */
