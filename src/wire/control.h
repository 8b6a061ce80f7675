#pragma once
/*
 * control.h - what a running server and a person's `mcp-ssh-session login` say to each other, in
 * the frames of frame.h, over the server's control socket.
 *
 * The server greets; the client asks for a log-in; the server asks questions, each answered
 * before the next; then it says how it ended and hangs up. Both ends are the same user's, and
 * both still bound what they read.
 *
 * Process: supervisor and the login command. Pure.
 * Memory:  decoded messages borrow from the frame.
 * Errors:  a decoder returns false for bytes that do not fit; the other side is then hung up on.
 */
#include "wire/frame.h"

#define CONTROL_VERSION     2
#define CONTROL_TEXT_MAX    8192 /* bytes of a text; longer ones are refused */
#define CONTROL_NAME_MAX    1024 /* bytes of a host, a user or a path */
#define CONTROL_ANSWER_MAX  1024 /* bytes that a person types */
#define CONTROL_MESSAGE_MAX (WIRE_HEADER_LEN + 4 * CONTROL_TEXT_MAX) /* bytes of any message */

enum control_kind {
        /* server to client */
        CONTROL_HELLO = 1, /* struct control_hello */
        CONTROL_PROMPT,    /* id = number of the question: struct control_prompt */
        CONTROL_DONE,      /* bytes text: it is connected, and how */
        CONTROL_FAILED,    /* bytes text: why not */

        /* client to server */
        CONTROL_LOGIN = 100, /* struct control_login */
        CONTROL_ANSWER,      /* id = the question's: u32 1 answered, 0 declined; bytes answer */
};

struct control_hello {
        uint32_t version;
        int64_t pid;
        struct str last_refused; /* the host of the last refused log-in, as said there, or "" */
};

struct control_login {
        struct str host;
        struct str username; /* these two "": not given */
        struct str key_filename;
        uint32_t port; /* 0: not given */
        uint32_t is_for_sudo; /* 1: then a password for sudo is asked for, and kept */
};

struct control_prompt {
        uint32_t is_echoed;
        struct str text;
        struct str instruction; /* "" none */
};

struct control_answer {
        uint32_t is_answered;
        struct str answer;
};

bool control_write_hello(struct buf *out, const struct control_hello *hello);
bool control_read_hello(const struct frame *frame, struct control_hello *out_hello);

bool control_write_login(struct buf *out, const struct control_login *login);
bool control_read_login(const struct frame *frame, struct control_login *out_login);

bool control_write_prompt(struct buf *out, uint64_t number, const struct control_prompt *prompt);
bool control_read_prompt(const struct frame *frame, struct control_prompt *out_prompt);

bool control_write_answer(struct buf *out, uint64_t number, const struct control_answer *answer);
bool control_read_answer(const struct frame *frame, struct control_answer *out_answer);

/* kind: CONTROL_DONE or CONTROL_FAILED */
bool control_write_end(struct buf *out, enum control_kind kind, const char *text);
bool control_read_end(const struct frame *frame, struct str *out_text);
