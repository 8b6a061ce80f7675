#pragma once
/*
 * message.h - what supervisor and worker say to each other, kind by kind.
 *
 * One worker holds one SSH connection. The frame's id is a command id or a shell id as said at
 * the kind, else 0. Every text from a worker (output, questions, paths) is host-made: the
 * worker cleans it, the supervisor repairs its UTF-8 and bounds it all the same.
 *
 * Process: supervisor and worker. Pure.
 * Memory:  decoded messages borrow from the frame.
 * Errors:  a decoder returns false for bytes that do not fit; the connection is then ended.
 */
#include "wire/frame.h"

enum wire_kind {
        /* supervisor to worker */
        WIRE_CONNECT = 1,  /* struct wire_connect: begin key exchange on the inherited socket */
        WIRE_KEY,          /* a private key to try, in the order sent: bytes name, bytes PEM;
                              all of them come before WIRE_CONNECT */
        WIRE_HOST_KEY_OK,  /* the verdict was good; go on to authentication. A bad one kills the worker */
        WIRE_SHELL_OPEN,   /* id = shell id: u32 columns, u32 rows */
        WIRE_SHELL_CLOSE,  /* id = shell id */
        WIRE_RUN_BEGIN,    /* id = command id: i64 shell id (0: isolated, on an exec channel) */
        WIRE_RUN_TEXT,     /* id = command id: bytes of the command; as many frames as it takes */
        WIRE_RUN_GO,       /* id = command id: the text is complete */
        WIRE_INPUT,        /* id = command id: bytes to type, as they are */
        WIRE_SHELL_INPUT,  /* id = shell id: bytes to type, as they are */
        WIRE_INTERRUPT,    /* id = command id */
        WIRE_STOP,         /* close everything, disconnect, exit */

        /* worker to supervisor */
        WIRE_LOG = 100,    /* u32 enum log_level, bytes text */
        WIRE_SANDBOX,      /* u32 WIRE_SANDBOX_* bits that are in force */
        WIRE_HOST_KEY,     /* bytes key type name, bytes public key blob (RFC 4253 6.6) */
        WIRE_READY,        /* authenticated: bytes server identification, bytes method that succeeded */
        WIRE_FAILED,       /* u32 enum err_code, bytes text: no connection, or it is gone; last message */
        WIRE_SHELL_READY,  /* id = shell id: bytes name of the shell program ("bash", "" unknown), i64 pid or 0 */
        WIRE_SHELL_ENDED,  /* id = shell id: struct wire_end; commands in it were ended before */
        WIRE_STARTED,      /* id = command id: its first byte of life: the start mark was seen */
        WIRE_OUTPUT,       /* id = command id: u32 stream (1 stdout, 2 stderr), bytes clean UTF-8 */
        WIRE_PARTIAL,      /* id = command id: bytes: the unfinished last line as it looks now, "" none */
        WIRE_AWAITING,     /* id = command id: u32 enum wire_awaiting, bytes question or program name */
        WIRE_ENDED,        /* id = command id: struct wire_end; nothing follows for this id */
};

enum wire_awaiting {
        WIRE_AWAITING_NOTHING,  /* it runs (again) */
        WIRE_AWAITING_PASSWORD, /* line mode, echo off, and a program reads the terminal */
        WIRE_AWAITING_LINE,     /* line mode, echo on, and a program reads the terminal */
        WIRE_AWAITING_PROGRAM,  /* a program reads single keys: editor, pager, REPL, menu */
        WIRE_AWAITING_SHELL,    /* a nested shell is at its prompt */
        WIRE_AWAITING_KINDS
};

/* How a command or a shell ended. Only the first two say anything about a status. */
enum wire_how {
        WIRE_HOW_EXITED,      /* status was seen */
        WIRE_HOW_SIGNALED,    /* SSH's exit-signal, its name in signal */
        WIRE_HOW_UNKNOWN,     /* ended, but no status was seen; text says why */
        WIRE_HOW_INTERRUPTED, /* as EXITED when status >= 0, but because it was asked to stop */
        WIRE_HOW_LOST,        /* the connection or the channel went away under it; text says why */
        WIRE_HOW_REFUSED,     /* never ran; text says why (channel refused, no shell, …) */
        WIRE_HOW_KINDS
};

#define WIRE_SANDBOX_NO_NEW_PRIVS 1u
#define WIRE_SANDBOX_LANDLOCK     2u
#define WIRE_SANDBOX_SECCOMP      4u
#define WIRE_SANDBOX_RLIMITS      8u

#define WIRE_SIGNAL_NAME_MAX 32 /* bytes with the NUL; RFC 4254 6.10 names are shorter */

struct wire_connect {
        struct str user;
        struct str host_key_algorithms; /* preference list for libssh, "" its default */
        struct str password;            /* "" none */
        uint32_t use_agent;             /* 1: fd WORKER_AGENT_FD speaks the agent protocol */
        uint32_t keepalive_s;           /* 0: none */
        uint32_t keepalive_count;       /* unanswered ones until the connection counts as dead */
        uint32_t timeout_s;             /* for banner and key exchange */
        uint32_t compression;           /* 1: ask for zlib */
        uint32_t keys_before_agent;     /* so many of the WIRE_KEYs are tried before the agent's */
};

struct wire_end {
        enum wire_how how;
        int32_t status;    /* -1: none was seen */
        struct str signal; /* without SIG, "" none */
        struct str cwd;    /* of the shell afterwards, "" unknown */
        struct str text;   /* for people: why, or what else happened; "" nothing to say */
        uint32_t shell_gone; /* 1: the shell went with the command; its state is lost */
};

bool wire_write_connect(struct buf *out, const struct wire_connect *connect);
bool wire_read_connect(const struct frame *frame, struct wire_connect *out_connect);

/* kind: WIRE_ENDED or WIRE_SHELL_ENDED */
bool wire_write_end(struct buf *out, enum wire_kind kind, uint64_t id, const struct wire_end *end);
bool wire_read_end(const struct frame *frame, struct wire_end *out_end);

/* The small ones: an id and nothing, or bytes, or a number and bytes. */
bool wire_write_bare(struct buf *out, enum wire_kind kind, uint64_t id);
bool wire_write_bytes(struct buf *out, enum wire_kind kind, uint64_t id, const void *bytes,
                      size_t len);
bool wire_write_u32_bytes(struct buf *out, enum wire_kind kind, uint64_t id, uint32_t number,
                          const void *bytes, size_t len);
bool wire_write_two_bytes(struct buf *out, enum wire_kind kind, uint64_t id, struct str first,
                          struct str second);

bool wire_write_shell_ready(struct buf *out, uint64_t id, struct str program, int64_t pid);

const char *wire_awaiting_name(enum wire_awaiting awaiting); /* "nothing", "password", … */
