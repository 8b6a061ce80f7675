#pragma once
/*
 * connection_private.h - the inside of a connection, for the five files that are one.
 *
 *      connection.c           its life: made, named, ended
 *      connection_setup.c     from a host's name to an authenticated connection
 *      connection_worker.c    what its worker is given
 *      connection_frames.c    what the worker says
 *      connection_commands.c  commands and shells on it
 *
 * Process: supervisor.
 */
#include "session/agent.h"
#include "session/connection.h"
#include "session/dial.h"
#include "session/hidden_names.h"
#include "session/host_keys.h"
#include "session/identities.h"
#include "session/postbox.h"
#include "session/resolver.h"

#define ALIASES_MAX              16  /* ways of saying the same; a further one gets its own */
#define CONNECTION_WORKER_END_MS 500 /* between a worker's end and the report of it */

/* A way in which a call named this connection. */
struct alias {
        char *given;
        struct target target;
};

struct connection {
        uint64_t id;
        struct connection_env *env; /* not ours */
        enum connection_state state;
        unsigned alias_count;
        struct alias aliases[ALIASES_MAX];
        char *name;      /* "user@host:port", before it is resolved what the call said */
        char *limit_key; /* "host:port" for auth_limits; NULL before it is resolved */
        struct credentials credentials;

        char *key_filename;       /* NULL: none given */
        struct override override; /* borrowed from the engine's overrides */
        struct hidden_names hidden; /* of the override */

        /* until authenticated */
        struct secret *password;
        struct ssh_config *config;
        struct resolver *resolver;
        struct dial *dial;
        struct agent *agent;
        struct host_keys *host_keys;
        struct identities identities;

        /* resolved; NULL and 0 before */
        char *host;
        char *user;
        int port;
        uint8_t config_print[SHA256_LEN]; /* of ssh_config.h */

        bool had_password;       /* one that a call gave: it is not kept */
        bool has_worker;         /* the zygote was asked for one, and has not reported its end */
        bool has_ended;          /* the zygote has reported its end */
        struct postbox *postbox; /* NULL: no worker, or it has spoken its last */
        int64_t worker_status;   /* waitpid()'s, once has_ended */
        int64_t log_window_ms;
        unsigned log_lines; /* from the worker, in this log_window */

        char *server;
        char *auth_method;
        char *legacy; /* legacy algorithms that were agreed on, "" none; see algorithms.h */
        bool legacy_was_told;
        int64_t opened_wall_ms;
        const struct connection_watch *watch; /* not ours; NULL: nobody looks on */
        struct shells shells;
        uv_timer_t timer; /* the one deadline of the present state, or the end of a pause */
};

/* connection.c */
void connection_set_state(struct connection *connection, enum connection_state next);
void connection_set_deadline(struct connection *connection, int64_t ms);

/* Tells the watcher, if there is one. */
void connection_tell_step(struct connection *connection, enum connect_step step, const char *text);

/* Ends it with an error: commands become FAILED or LOST. Takes no effect on one that is ending. */
void connection_fail(struct connection *connection, const struct err *why);

/* May any of it have run? A worker types nothing into a shell that it has not called ready. */
bool connection_may_have_run(const struct connection *connection, const struct command *command);
void connection_lose_worker(struct connection *connection);

/* The text without what an override brought in; yours, free(). */
char *connection_shown(const struct connection *connection, const char *text);

/* connection_setup.c */
void connection_start(struct connection *connection);
void connection_drop_setup(struct connection *connection);
void connection_on_deadline(struct connection *connection);
void connection_on_host_key(struct connection *connection, struct str type, struct str blob);
void connection_fail_setup(struct connection *connection, struct err *err); /* "cannot connect to …" */

/* connection_worker.c */
void connection_start_worker(struct connection *connection, int fd); /* takes fd, connected */

/* connection_frames.c */
void connection_on_frame(void *arg, const struct frame *frame);
void connection_on_postbox_end(void *arg, enum postbox_end end);

/* connection_commands.c */
void connection_run_waiting(struct connection *connection); /* it has become ready */
void connection_run_in_shell(struct connection *connection, struct shell *shell);
void connection_end_command(struct connection *connection, struct command *command);
void connection_forget_shell(struct connection *connection, struct shell *shell, const char *why);
/* For losses: two sessions of one name have different credentials. Yours, free(). */
char *connection_loss_key(const struct connection *connection, const char *shell_name);
char *connection_session_name(const struct connection *connection, const char *shell_name);
