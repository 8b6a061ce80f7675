#pragma once
/*
 * connection_private.h - the inside of a connection, for the files that are one.
 *
 *      connection.c              made, named, looked at, freed
 *      connection_match.c        which calls mean it, and which other one is the same
 *      connection_watch.c        who looks on, and what they are told
 *      connection_setup.c        from a host's name to an authenticated connection
 *      connection_route.c        the way there: TCP, ProxyCommand, jump host
 *      connection_worker.c       what its worker is given
 *      connection_login.c        questions for a person, and their answers
 *      connection_frames.c       what the worker says
 *      connection_run_frames.c   the same, about shells and commands
 *      connection_sudo.c         what an elevated command's worker is told
 *      connection_commands.c     commands and shells on it
 *      connection_end.c          how it ends
 *
 * Process: supervisor.
 * Memory:  what a field does not call "not ours" or borrowed is the connection's.
 * Errors:  as in connection.h; a bool function's own comment says what false is.
 */
#include "session/config/resolver.h"
#include "session/connection.h"
#include "session/host_key/host_keys.h"
#include "session/host_key/key_blob.h"
#include "session/login/agent.h"
#include "session/login/identities.h"
#include "session/reach/dial.h"
#include "session/reach/proxy.h"
#include "session/secrecy/hidden_names.h"
#include "session/worker_link/postbox.h"

#define ALIASES_MAX              16  /* ways of saying the same; a further one gets its own */
#define CONNECTION_WORKER_END_MS 500 /* between a worker's end and the report of it */

/* A way in which a call named this connection. */
struct alias {
        char *given;
        struct target target;
        char *jump; /* see struct connection_spec; NULL: none */
};

enum forward {
        FORWARD_NONE,
        FORWARD_ASKED, /* WIRE_FORWARD_OPEN was sent to the jump host's worker, or found it dead */
        FORWARD_OPEN,
};

/* A log-in under way, as far as a person has to do with it. */
struct login {
        bool is_asking; /* a question is with the watcher */
        bool is_echoed; /* its answer may be seen while it is typed */
        enum wire_prompt_kind asking;
        unsigned questions;        /* so far */
        enum wire_advice advice;   /* the worker's, for the failure that follows */
        struct secret *password;   /* typed last, and not yet known to be good */
        struct secret *passphrase; /* likewise */
};

struct connection {
        uint64_t id;
        struct connection_env *env; /* not ours */
        enum connection_state state;
        unsigned alias_count;
        unsigned behind_count; /* how many hosts in a row are reached through it, at most */
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
        struct buf host_key_shown; /* to the watch, which decides; empty: none yet */
        unsigned offers[OFFERS_MAX]; /* of each WIRE_KEY: which identity */
        unsigned offer_count;
        bool may_prompt; /* as the worker was told */
        struct login login;

        /* resolved; NULL and 0 before */
        char *host;
        char *user;
        int port;
        char *route; /* two with the same have the same way to the host */
        char *via;   /* for people: jump hosts, "its ProxyCommand"; "" straight */

        uint64_t jump_id; /* the jump host's connection; 0: none, or not yet */
        char *jump_name;  /* as the configuration has it; NULL: none */
        enum forward forward;
        int forward_fd;       /* our worker's end of the forward, until it opens; -1 */
        struct proxy *proxy;  /* its ProxyCommand; NULL: none */
        struct err *held;     /* why it fails, while the reason for that may still come */
        char *address;         /* that answered; NULL: not known, or behind a proxy */
        char *host_keys_basis; /* what its host's key was judged by, see host_keys.h */
        uint8_t config_print[SHA256_LEN]; /* of ssh_config.h */

        char *trust_command;     /* that vouches for its host's key, which was new; NULL: it was not */
        bool had_password;       /* one that a call gave: it is not kept */
        bool has_asked_again;    /* for a jump host, because the first was lost */
        bool has_worker;         /* the zygote was asked for one, and has not reported its end */
        bool has_identified;     /* the server has said who it is: key exchange is under way */
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
void connection_free(struct connection *connection); /* when its timer's handle is closed */

/* The text without what an override brought in; yours, free(). */
char *connection_shown(const struct connection *connection, const char *text);

/* connection_match.c */
void connection_add_alias(struct connection *connection, const char *given,
                          const struct target *target, const char *jump);

/* connection_watch.c */
bool connection_is_past_asking(const struct connection *connection);

/* These tell the watcher, if there is one. Nothing follows a failure. */
void connection_tell_step(struct connection *connection, enum connect_step step, const char *text);
void connection_tell_attempt(struct connection *connection, const char *text);
void connection_tell_failure(struct connection *connection, const struct err *why);

/* connection_end.c */
void connection_set_deadline(struct connection *connection, int64_t ms); /* from now; -1: none */

/* Ends it with an error: commands become FAILED or LOST. Takes no effect on one that is ending. */
void connection_fail(struct connection *connection, const struct err *why);
void connection_close_because(struct connection *connection, const struct err *why,
                              int64_t grace_ms);
void connection_lose_worker(struct connection *connection);

/* Leaves it CLOSING; grace_ms 0: the worker is not to be trusted with a good-bye. */
void connection_wind_up(struct connection *connection, int64_t grace_ms);

/* May any of it have run? A worker types nothing into a shell that it has not called ready. */
bool connection_may_have_run(const struct connection *connection, const struct command *command);

/* Takes the command out of this connection; its shell's name is yours, free(). */
char *connection_take_command(struct connection *connection, struct command *command);
void connection_remember_losses(struct connection *connection, const char *why);

/* connection_setup.c */
void connection_start(struct connection *connection);
void connection_drop_setup(struct connection *connection);
void connection_on_deadline(struct connection *connection);
void connection_on_host_key(struct connection *connection, struct str blob);
void connection_keep_reason(const struct connection *connection, struct err *err);
void connection_fail_setup(struct connection *connection, struct err *err); /* "cannot connect to …" */

/* connection_route.c */
void connection_name_route(struct connection *connection); /* it is resolved */
void connection_take_route(struct connection *connection); /* leads to connection_start_worker() */
void connection_leave_route(struct connection *connection); /* closes, ends, frees what is of it */

/* ConnectTimeout, or what is usual. */
int64_t connection_limit_ms(const struct connection *connection, int64_t usual_ms);

/*
 * As connection_fail(), with what a ProxyCommand has to say, or the jump host; that may take a
 * moment, in which nothing new is sent.
 */
void connection_fail_with_words(struct connection *connection, const struct err *why);
void connection_fail_held(struct connection *connection);
void connection_write_reach_deadline(const struct connection *connection, struct err *err);
void connection_on_forward_opened(struct connection *jump, const struct frame *frame);
void connection_on_forward_ended(struct connection *jump, const struct frame *frame);

/* connection_worker.c */
bool connection_check_algorithms(const struct connection *connection, struct err *err);
void connection_start_worker(struct connection *connection, int fd); /* takes fd, connected */

/* connection_login.c */
bool connection_has_person(const struct connection *connection);
/* What a password was typed for; yours, free(). */
char *connection_password_name(const struct connection *connection);

/* The command for a person, in backquotes; yours, free(). */
char *connection_login_command(const struct connection *connection, bool is_sudo);
const struct secret *connection_find_password(const struct connection *connection);
const struct secret *connection_find_passphrase(const struct connection *connection,
                                                unsigned identity);
void connection_forget_answers(struct connection *connection);
/* Both false: not now, or it makes no sense. */
bool connection_on_prompt(struct connection *connection, const struct wire_prompt *prompt);
bool connection_on_secret(struct connection *connection, const struct wire_secret *secret);
/* What mends a refused log-in: a sentence; yours, free(). */
char *connection_advice(const struct connection *connection);

/* connection_sudo.c */

/* Writes nothing for a command that is not elevated. text_at: where its text begins in what is sent. */
bool connection_write_sudo(struct connection *connection, struct command *command, size_t text_at);
void connection_on_sudo_refused(struct connection *connection, struct command *command);

/* connection_frames.c */
void connection_on_frame(void *arg, const struct frame *frame);
void connection_on_postbox_end(void *arg, enum postbox_end end);

/* The worker is broken: nothing of the frame was believed, and the connection ends. */
void connection_break_off(struct connection *connection, const struct frame *frame,
                          const char *why);

/* A text of the host's for people, without secrets; yours, free(). */
char *connection_host_text(const struct connection *connection, struct str bytes, size_t max);

/* connection_run_frames.c */
/* False: the frame is about neither a shell nor a command. */
bool connection_on_run_frame(struct connection *connection, const struct frame *frame);

/* connection_commands.c */
void connection_run_waiting(struct connection *connection); /* it has become ready */
void connection_run_in_shell(struct connection *connection, struct shell *shell);
void connection_end_command(struct connection *connection, struct command *command);
void connection_forget_shell(struct connection *connection, struct shell *shell, const char *why);
/* For losses: two sessions of one name differ in credentials or in the way. Yours, free(). */
char *connection_loss_key(const struct connection *connection, const char *shell_name);
