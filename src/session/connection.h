#pragma once
/*
 * connection.h - one SSH connection: how it comes about, what runs on it, how it ends.
 *
 * Process: supervisor.
 * Memory:  connection_new() gives it to itself: it lives until it has ended and all that it had
 *          open is closed, says so with on_gone, and frees itself in the same turn.
 *          Everyone else holds its id.
 * Errors:  what goes wrong on the way ends the connection, and its commands as FAILED or LOST.
 */
#include "base/err.h"
#include "base/list.h"
#include "base/secret.h"
#include "session/command/commands.h"
#include "session/command/losses.h"
#include "session/command/shells.h"
#include "session/config/config_source.h"
#include "session/config/home.h"
#include "session/config/hops.h"
#include "session/config/overrides.h"
#include "session/config/ssh_config.h"
#include "session/config/target.h"
#include "session/engine.h"
#include "session/login/auth_limits.h"
#include "session/login/credentials.h"
#include "session/login/keyring.h"
#include "session/reach/backoff.h"
#include "session/watch.h"
#include "session/worker_link/spawner.h"

#include <uv.h>

#define CHANNELS_MAX   8 /* shells and isolated commands: MaxSessions is 10, one is the probe's */
#define KEX_MS         20000
#define AUTH_MS        60000
#define SANDBOX_TEXT_MAX  80   /* bytes with the NUL */
#define SECRET_ANSWER_MAX 1024 /* bytes that a person types or a call gives; OpenSSH's limit */
#define CLOSE_GRACE_MS 3000 /* for a worker that was told to stop; then it is killed */

struct connection;

struct connection_spec;

/* What all connections work with; none of it is theirs. */
struct connection_env {
        uv_loop_t *loop;
        struct config_source ssh_config;
        const struct redactor *redactor;
        struct home home;
        struct commands *commands;
        struct spawner *spawner;
        struct auth_limits *auth_limits;
        struct backoff *backoff;
        struct losses *losses;
        struct keyring *keyring;
        char *last_refused; /* the host of the last refused log-in, as its call said it; or NULL */
        uint8_t *scratch;         /* POSTBOX_SCRATCH_LEN */
        bool has_host_key_policy; /* the operator's word, over that of ssh_config */
        enum host_key_policy host_key_policy;
        struct screens *screens; /* not ours */
        uint32_t columns, rows;  /* of terminals */
        bool checks_off_was_told; /* that StrictHostKeyChecking no is not done here */
        unsigned sandbox_missing; /* WIRE_SANDBOX_* bits whose absence was logged */
        char sandbox[SANDBOX_TEXT_MAX]; /* what is in force, for people; "" before the first worker */
        void (*on_resolved)(void *arg, struct connection *connection); /* may end it */
        void (*on_gone)(void *arg, struct connection *connection);

        /* The hop's connection, found or made, is given with connection_set_jump(). */
        bool (*on_jump)(void *arg, struct connection *behind, const struct hop *hop,
                        const char *rest, struct err *err);
        /* Those behind it want to know: connection_on_jump_ready(), connection_on_jump_end(). */
        void (*on_ready)(void *arg, struct connection *connection);
        void (*on_end)(void *arg, struct connection *connection, const struct err *why);
        struct connection *(*find)(void *arg, uint64_t id); /* NULL: it is gone */

        /* A command that was not sent yet when its connection was lost; false: it has to fail. */
        bool (*on_orphan)(void *arg, const struct connection_spec *spec, struct command *command,
                          const char *shell_name);
        void *arg;
};

enum connection_state {
        CONNECTION_RESOLVING, /* ssh -G; and the pause after a failed connect, see backoff.h */
        CONNECTION_DIALING,   /* name look-up, TCP */
        CONNECTION_KEX,       /* the worker is there; until it shows the host's key */
        CONNECTION_AUTH,      /* the key was good */
        CONNECTION_READY,
        CONNECTION_CLOSING, /* takes nothing new; waits for its worker to end */
        CONNECTION_GONE,    /* closes its last handle */
};

/* What a call said; borrowed but for the secret, which is copied. */
struct connection_spec {
        const char *given;           /* the host, word for word */
        const struct target *target; /* the same, parsed */
        const char *key_filename;    /* NULL: none */
        const struct secret *password;
        struct override override;
        struct credentials credentials;
        const char *jump; /* the list that takes the place of its ProxyJump; NULL: its own counts */
        unsigned behind_count; /* hosts in a row that are to be reached through it */
};

struct connection *connection_new(struct connection_env *env, uint64_t id,
                                  const struct connection_spec *spec);

/* Reports what comes of it from now on; NULL: nobody looks on any more. Replaces an earlier one. */
void connection_set_watch(struct connection *connection, const struct connection_watch *watch);

/* Writes down the key that the watch was shown; see engine.h. */
bool connection_add_host_key(struct connection *connection, struct err *err);
/* ERR_STATE: somebody looks on already, or a log-in is under way that cannot ask a person. */
bool connection_may_watch(const struct connection *connection,
                          const struct connection_watch *watch, struct err *err);

/* Is something asked now whose answer must not be seen while it is typed? */
bool connection_asks_for_secret(const struct connection *connection);

/* A person's answer to what on_prompt asked; NULL: declined. False: nothing is asked now. */
bool connection_answer(struct connection *connection, const struct secret *answer);

/*
 * For sudo on its host, for as long as the server lives; commands that wait for one get it.
 * ERR_STATE, ERR_HOST_KEY: it is not to have one.
 */
bool connection_keep_sudo_password(struct connection *connection, const struct secret *password,
                                   struct err *err);

/* ---- commands ---- */

/* Gives the command to the connection; it starts as soon as it can. */
bool connection_submit(struct connection *connection, struct command *command,
                       const char *shell_name, command_id *out_busy, struct err *err);

/* As submit would answer now, for a command that does not exist yet. */
bool connection_may_submit(const struct connection *connection, const char *shell_name,
                           bool isolated, command_id *out_busy, struct err *err);
bool connection_input(struct connection *connection, struct command *command, struct str bytes,
                      struct err *err);
bool connection_shell_input(struct connection *connection, struct shell *shell, struct str bytes,
                            struct err *err);
/* ERR_STATE: the shell is not there yet, or the connection takes no orders. */
bool connection_read_screen(struct connection *connection, const struct shell *shell,
                            const struct wire_screen_read *read, struct err *err);
bool connection_send_keys(struct connection *connection, const struct shell *shell,
                          struct str normal, struct str application, struct err *err);
void connection_interrupt(struct connection *connection, struct command *command);

/* ---- looking ---- */

uint64_t connection_id(const struct connection *connection);
enum connection_state connection_state(const struct connection *connection);
bool connection_is_live(const struct connection *connection); /* before CLOSING */
const struct shells *connection_shells(const struct connection *connection);
struct shell *connection_find_shell(const struct connection *connection, const char *name);

/* Was it made (or joined) by a call that named the same machine, word for word? */
bool connection_was_given(const struct connection *connection, const struct connection_spec *spec);

const struct credentials *connection_credentials(const struct connection *connection);

/*
 * Do both, resolved, mean the same machine, user and way there, with the same credentials and the
 * same configuration?
 */
bool connection_can_stand_for(const struct connection *connection, const struct connection *later);

/* ---- jump hosts ---- */

uint64_t connection_jump_id(const struct connection *connection); /* 0: none, or not yet */
unsigned connection_behind_count(const struct connection *connection);
void connection_set_behind_count(struct connection *connection, unsigned count);

/* Goes on through the jump host, as soon as that is ready. */
void connection_set_jump(struct connection *connection, struct connection *jump);
void connection_on_jump_ready(struct connection *connection, struct connection *jump);

/* ERR_CANCELLED: it was closed on request. */
void connection_on_jump_end(struct connection *connection, struct connection *jump,
                            const struct err *why);

/* It cannot come about: "cannot connect to …: why". */
void connection_cannot_connect(struct connection *connection, const struct err *why);

/* Moves the other's commands and names here, and ends it. */
void connection_take_over(struct connection *connection, struct connection *later);

/* Does a reference to host, user and port mean this one, as said or as resolved? */
bool connection_matches(const struct connection *connection, const struct target *target);

/* "user@host:port", or with "/name" for another shell than the default; yours, free(). */
char *connection_session_name(const struct connection *connection, const char *shell_name);

/* shell NULL: the connection itself. */
struct session_info connection_describe(const struct connection *connection,
                                        const struct shell *shell, struct buf *name_storage);

/* ---- ending ---- */

/* Ends commands as INTERRUPTED and tells the worker to stop. */
void connection_close(struct connection *connection, int64_t grace_ms);
void connection_close_shell(struct connection *connection, struct shell *shell);

/* What the zygote reports about its worker. */
void connection_on_spawn(struct connection *connection, const struct spawn_record *record);
