#pragma once
/*
 * watch.h - somebody looks on while a connection comes about: doctor, trust, login.
 *
 * Process: supervisor.
 * Memory:  the watch and its arg are the watcher's and must outlive the connection or be taken
 *          off with engine_unwatch(). Texts are borrowed for the call.
 * Errors:  a callback takes a note; it must not close, run or free anything.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum connect_step {
        CONNECT_STEP_CONFIG,   /* ssh -G, and the files that it names */
        CONNECT_STEP_REACH,    /* name look-up and TCP, ProxyCommand, or the jump host's channel */
        CONNECT_STEP_KEX,      /* banner and key exchange */
        CONNECT_STEP_HOST_KEY, /* our verdict on the key */
        CONNECT_STEP_LOG_IN,
        CONNECT_STEPS
};

/* A question for a person; the texts are made fit to be shown, and may be a host's. */
struct connect_prompt {
        bool is_echoed;          /* the answer may be seen while it is typed */
        const char *text;        /* "bob@web1's password: " */
        const char *instruction; /* to be shown before; "" none */
};

struct connection_watch {
        /* A step is behind it; text says what came of it. After LOG_IN it is ready. */
        void (*on_step)(void *arg, enum connect_step step, const char *text);
        /* The step failed, and with it the connection; nothing follows. */
        void (*on_failure)(void *arg, enum connect_step step, const struct err *why);
        void *arg;
        /*
         * A person has to answer, later, with engine_answer(); until then the log-in waits, but
         * not longer than CONNECT_PROMPT_MS. NULL: no person is there, and nothing is asked.
         */
        void (*on_prompt)(void *arg, const struct connect_prompt *prompt);
        /*
         * The host is one that another connection goes to already, which is looked at from now
         * on, by this id. NULL: for a watcher that makes one connection only.
         */
        void (*on_moved)(void *arg, uint64_t id);
};

#define CONNECT_PROMPT_MS (5 * 60 * 1000)

/* "configuration", "network", … Constant. */
const char *connect_step_name(enum connect_step step);
