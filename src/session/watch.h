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

enum connect_step {
        CONNECT_STEP_CONFIG,   /* ssh -G, and the files that it names */
        CONNECT_STEP_REACH,    /* name look-up and TCP, ProxyCommand, or the jump host's channel */
        CONNECT_STEP_BANNER,   /* the server's identification (RFC 4253 4.2) */
        CONNECT_STEP_KEX,      /* key exchange */
        CONNECT_STEP_HOST_KEY, /* our verdict on the key */
        CONNECT_STEP_LOG_IN,
        CONNECT_STEPS
};

/* A host's key that was not refused, for the person who decides. */
struct host_key_shown {
        const char *host;        /* as known_hosts has it: "web", "[web]:2222" */
        const char *address;     /* "" behind a proxy */
        const char *type;        /* "ssh-ed25519" */
        const char *fingerprint; /* "SHA256:…" */
        const char *known_by;    /* "file:line" or so; NULL: it is new */
        const char *add_to;      /* the file for a new one; NULL: there is none */
        const char *others;      /* "file:line: name" lines: other hosts with the same key */
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
        /* Within LOG_IN: something was tried, and it did not do. NULL: nobody wants to know. */
        void (*on_attempt)(void *arg, const char *text);
        /* The step failed, and with it the connection; nothing follows. */
        void (*on_failure)(void *arg, enum connect_step step, const struct err *why);
        void *arg;
        /*
         * NULL: the policy decides about host keys. Else the connection waits at a key that is
         * good or new: engine_add_host_key() adds it, and nothing logs in.
         */
        void (*on_host_key)(void *arg, const struct host_key_shown *shown);
        /*
         * A person has to answer, later, with engine_answer(); until then the log-in waits, but
         * not longer than CONNECT_PROMPT_MS. NULL: no person is there, and nothing is asked.
         */
        void (*on_prompt)(void *arg, const struct connect_prompt *prompt);
};

#define CONNECT_PROMPT_MS (5 * 60 * 1000)

/* "configuration", "network", … Constant. */
const char *connect_step_name(enum connect_step step);
