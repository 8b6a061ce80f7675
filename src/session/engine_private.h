#pragma once
/*
 * engine_private.h - the inside of the engine, for the files that are one.
 *
 *      engine.c           its parts and their life; looking at commands, waiting
 *      engine_connect.c   from what a call says to a connection, with somebody looking on or not
 *      engine_run.c       commands: run, interrupt, type into
 *      engine_sessions.c  sessions: list, type into, close
 *      engine_terminal.c  their terminals: what they show, and keys
 *
 * Process: supervisor.
 * Memory:  each part is owned, made in engine_new() and freed in engine_free().
 * Errors:  as in engine.h.
 */
#include "session/command/waits.h"
#include "session/connections.h"
#include "session/engine.h"
#include "session/terminal/screens.h"

/* A shell, and the connection that it is on. */
struct engine_place {
        struct connection *connection;
        struct shell *shell;
};

struct engine {
        struct connection_env env;
        struct connections *connections;
        struct commands *commands;
        struct waits *waits;
        struct screens *screens;
        struct spawner *spawner;
        struct redactor *redactor;
        struct overrides *overrides;
        struct auth_limits *auth_limits;
        struct backoff *backoff;
        struct losses *losses;
        struct keyring *keyring;
        void (*on_connecting)(void *arg);
        void *on_connecting_arg;
        uint8_t *scratch;
        bool is_stopping;
};

/* engine_connect.c */

/* NULL for "", which means "not given" too. */
const char *engine_or_null(const char *text);

/* The machine that a reference means; what an override says anyway is no part of its name. */
bool engine_parse_reference(const struct engine *engine, const struct session_ref *session,
                            struct target *out_target, struct override *out_override,
                            struct err *err);

/* Found or made; its password cannot be shown from here on. */
bool engine_get_connection(struct engine *engine, const struct run_request *request,
                           const struct target *target, const struct override *override,
                           struct connection **out_connection, struct err *err);

/* connection_env.on_jump */
bool engine_on_jump(void *arg, struct connection *behind, const struct hop *hop, const char *rest,
                    struct err *err);

/* engine_run.c */
bool engine_check_sudo_password(const char *bytes, size_t len, struct err *err);
bool engine_check_input(size_t len, struct err *err); /* what one call may type */

/* engine_sessions.c: the shell that a call means */
bool engine_find_place(const struct engine *engine, const struct session_ref *session,
                       struct engine_place *out_place, struct err *err);
