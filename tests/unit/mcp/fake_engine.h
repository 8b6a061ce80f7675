#pragma once
/*
 * fake_engine.h - engine.h without hosts: the test decides what commands print and how they end.
 *
 * engine_run() starts whatever it is given; a few command texts play a part of their own, see
 * fake_engine.c. fake_turn() is one turn of the loop: it calls the waits that are due.
 */
#include "session/engine.h"

struct fake_command {
        struct command_info info; /* the test may change it */
        struct buf input;         /* what was typed */
        unsigned interrupts;
        int64_t changed_ms;       /* when it last printed */
};

#define FAKE_COMMANDS_MAX 256
#define FAKE_SESSIONS_MAX 4

struct fake_request { /* the last engine_run() or engine_session_input() */
        char host[300], username[80], shell[80], password[80], key_filename[80];
        int port;
        bool isolated;
        bool use_sudo;
        char sudo_password[64];
};

struct engine *fake_engine_new(void); /* engine_free() frees it */

struct fake_command *fake_newest(struct engine *engine); /* NULL: none yet */
const struct fake_request *fake_request(struct engine *engine);

/* The next engine_run() fails so; holder may be NULL. */
void fake_refuse(struct engine *engine, enum err_code code, const char *text,
                 const struct fake_command *holder);

void fake_print(struct fake_command *command, const char *text);
void fake_print_bytes(struct fake_command *command, const void *bytes, size_t len);
void fake_partial(struct fake_command *command, const char *text);
void fake_await(struct fake_command *command, enum wire_awaiting awaiting, const char *question);
void fake_end(struct fake_command *command, int status);
void fake_forget(struct engine *engine, struct fake_command *command);

/* What engine_send_keys() got; borrowed. */
const char *fake_keys(struct engine *engine);

/* Ends the read that waits, with a screen or an error; false: none waits. */
bool fake_screen(struct engine *engine, const struct screen_info *info, const struct err *err);
const struct screen_request *fake_screen_request(struct engine *engine);

void fake_add_session(struct engine *engine, const struct session_info *info);

void fake_turn(struct engine *engine);
unsigned fake_waits(struct engine *engine); /* how many are open */
