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

enum connect_step {
        CONNECT_STEP_CONFIG,   /* ssh -G, and the files that it names */
        CONNECT_STEP_REACH,    /* name look-up and TCP, ProxyCommand, or the jump host's channel */
        CONNECT_STEP_BANNER,   /* the server's identification (RFC 4253 4.2) */
        CONNECT_STEP_KEX,      /* key exchange */
        CONNECT_STEP_HOST_KEY, /* our verdict on the key */
        CONNECT_STEP_LOG_IN,
        CONNECT_STEPS
};

struct connection_watch {
        /* A step is behind it; text says what came of it. After LOG_IN it is ready. */
        void (*on_step)(void *arg, enum connect_step step, const char *text);
        /* Within LOG_IN: something was tried, and it did not do. */
        void (*on_attempt)(void *arg, const char *text);
        /* The step failed, and with it the connection; nothing follows. */
        void (*on_failure)(void *arg, enum connect_step step, const struct err *why);
        void *arg;
};

/* "configuration", "network", … Constant. */
const char *connect_step_name(enum connect_step step);
