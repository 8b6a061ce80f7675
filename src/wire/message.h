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
        WIRE_KEY,          /* struct wire_key: a private key to try, in the order sent; all of them
                              come before WIRE_CONNECT */
        WIRE_ENV,          /* bytes name, bytes value: for the environment of each channel (RFC 4254
                              6.4); all of them come before WIRE_CONNECT */
        WIRE_HOST_KEY_OK,  /* u32 WIRE_HOST_KEY_* bits: the verdict was good; go on to
                              authentication. A bad one kills the worker */
        WIRE_ANSWER,       /* to a WIRE_PROMPT: u32 1 answered, 0 declined; bytes answer */
        WIRE_FORWARD_OPEN, /* id = forward id: u32 port, u32 ms until it is given up, bytes host: a
                              direct-tcpip channel (RFC 4254 7.2); the frame's first byte carries
                              one fd, whose bytes are relayed */
        WIRE_FORWARD_CLOSE,/* id = forward id */
        WIRE_SHELL_OPEN,   /* id = shell id: u32 columns, u32 rows */
        WIRE_SHELL_CLOSE,  /* id = shell id */
        WIRE_RUN_BEGIN,    /* id = command id: i64 shell id (0: isolated, on an exec channel) */
        WIRE_RUN_TEXT,     /* id = command id: bytes of the command; as many frames as it takes */
        WIRE_RUN_SUDO,     /* id = command id: struct wire_sudo. Before WIRE_RUN_GO: it runs elevated;
                              later: the password that it waits for */
        WIRE_RUN_GO,       /* id = command id: the text is complete */
        WIRE_INPUT,        /* id = command id: bytes to type, as they are */
        WIRE_SHELL_INPUT,  /* id = shell id: bytes to type, as they are */
        WIRE_INTERRUPT,    /* id = command id */
        WIRE_SHELL_KEYS,   /* id = shell id: bytes to type, and bytes to type while the terminal is in
                              application cursor key mode (DECCKM) */
        WIRE_SCREEN_READ,  /* id = shell id: struct wire_screen_read */
        WIRE_STOP,         /* close everything, disconnect, exit */

        /* worker to supervisor */
        WIRE_LOG = 100,    /* u32 enum log_level, bytes text */
        WIRE_SANDBOX,      /* u32 WIRE_SANDBOX_* bits that are in force */
        WIRE_HOST_KEY,     /* bytes key type name, bytes public key blob (RFC 4253 6.6) */
        WIRE_PROGRESS,     /* u32 enum wire_progress, bytes text: for who looks on while it connects */
        WIRE_PROMPT,       /* a person's to answer, one at a time: struct wire_prompt */
        WIRE_READY,        /* authenticated: bytes server identification, bytes method that succeeded,
                              bytes algorithms agreed on, "kex,cipher in,cipher out,mac in,mac out" */
        WIRE_FAILED,       /* u32 enum err_code, bytes text: no connection, or it is gone; last message */
        WIRE_SHELL_READY,  /* id = shell id: bytes name of the shell program ("bash", "" unknown), i64 pid or 0 */
        WIRE_SHELL_ENDED,  /* id = shell id: struct wire_end; commands in it were ended before */
        WIRE_STARTED,      /* id = command id: its first byte of life: the start mark was seen */
        WIRE_OUTPUT,       /* id = command id: u32 stream (1 stdout, 2 stderr), bytes clean UTF-8 */
        WIRE_PARTIAL,      /* id = command id: bytes: the unfinished last line as it looks now, "" none */
        WIRE_AWAITING,     /* id = command id: u32 enum wire_awaiting, bytes question or program name */
        WIRE_ENDED,        /* id = command id: struct wire_end; nothing follows for this id */
        WIRE_FORWARD_OPENED,/* id = forward id: bytes are relayed from now on */
        WIRE_FORWARD_ENDED,/* id = forward id: bytes why, "" its end of the fd was closed; nothing
                              follows for this id */
        WIRE_SECRET,       /* struct wire_secret: what came of a password or a passphrase */
        WIRE_SCREEN_ROW,   /* id = the read's ticket: struct wire_screen_row; from the top downwards */
        WIRE_SCREEN,       /* id = the read's ticket: struct wire_screen; nothing follows for this id */
        WIRE_ADVICE,       /* u32 enum wire_advice: what would mend the WIRE_FAILED that follows */
        WIRE_SUDO_REFUSED, /* id = command id: sudo did not take the password that was sent with it */
};

/* Of WIRE_HOST_KEY_OK. */
#define WIRE_HOST_KEY_NEW 1u /* nobody knew the key a moment ago: send it no password and no answer */

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
        struct str kex;                 /* preference lists for libssh, "" its default */
        struct str ciphers;
        struct str macs;
        struct str public_key_algorithms;
        struct str auth_methods; /* that may be tried, in that order: "publickey,password" */
        uint32_t rsa_min_bits;   /* 0: libssh's own minimum */
        uint32_t may_prompt;     /* 1: a person is there to answer WIRE_PROMPT */
        uint32_t password_prompts; /* how often a person is asked for one secret */
};

struct wire_key {
        struct str name;        /* for people: the file */
        struct str pem;         /* OpenSSH or PEM format */
        struct str passphrase;  /* "" none is known */
        struct str certificate; /* the line of a -cert.pub file, "" none */
        struct str public_key;  /* "type base64", "" not known without the private half */
};

enum wire_progress {
        WIRE_PROGRESS_BANNER, /* text: the server's identification (RFC 4253 4.2) */
        WIRE_PROGRESS_TRIED,  /* text: what was tried to log in, and what came of it */
        WIRE_PROGRESS_KINDS
};

enum wire_prompt_kind {
        WIRE_PROMPT_PASSPHRASE, /* of a key file; the supervisor has the words */
        WIRE_PROMPT_PASSWORD,   /* RFC 4252 8, text "": the supervisor has the words; or a question
                                   of RFC 4256 that asks for a password, text is the host's */
        WIRE_PROMPT_INTERACTIVE,/* RFC 4256; text and instruction are the host's */
        WIRE_PROMPT_KINDS
};

struct wire_prompt {
        enum wire_prompt_kind kind;
        uint32_t echo;          /* 1: the answer may be shown while it is typed */
        uint32_t key;           /* of a passphrase: which of the WIRE_KEYs, from 0 */
        struct str text;
        struct str instruction; /* "" none */
};

struct wire_secret {
        enum wire_prompt_kind kind; /* never WIRE_PROMPT_INTERACTIVE: codes are not kept */
        uint32_t key;               /* as in wire_prompt */
        uint32_t is_good;           /* 1: it opened the key, or the host took it; 0: it did not */
};

/* Who can mend a log-in that failed. */
enum wire_advice {
        WIRE_ADVICE_CHECK, /* the user name and the keys are to be looked at */
        WIRE_ADVICE_LOGIN, /* a person has to type something */
        WIRE_ADVICE_TRUST, /* the host's key was new, so it was sent no password */
        WIRE_ADVICE_KINDS
};

#define WIRE_SCREEN_COLUMNS_MIN 20
#define WIRE_SCREEN_ROWS_MIN    5
#define WIRE_SCREEN_SIDE_MAX    500
#define WIRE_SCREEN_CELLS_MAX   100000 /* columns times rows: what a worker's memory limit allows */
#define WIRE_SCREEN_BACK_MAX    1000   /* lines of scrollback */
#define WIRE_SCREEN_TITLE_MAX   512    /* bytes */

/* May a terminal have this size? */
bool wire_screen_size_is_good(uint32_t columns, uint32_t rows);

/* "200x50"; false: it is none, or no terminal may have it. */
bool wire_parse_screen_size(const char *text, uint32_t *out_columns, uint32_t *out_rows);

struct wire_screen_read {
        uint64_t ticket;     /* of the answer */
        uint32_t scrollback; /* lines above the screen that are wanted; fewer may come */
        int64_t since;       /* serial of an earlier answer; 0: none */
        uint32_t columns;    /* a new size for the terminal; 0 and 0: as it is */
        uint32_t rows;
        uint32_t limit_ms;   /* answer after this at the latest; 0: at once */
        uint32_t quiet_ms;   /* or when output came and has paused for so long */
};

/* What ended the wait of a WIRE_SCREEN_READ. */
enum wire_screen_end {
        WIRE_SCREEN_LIMIT, /* the time was up; or there was nothing to wait for */
        WIRE_SCREEN_QUIET,
        WIRE_SCREEN_ENDED, /* the command in front ended */
        WIRE_SCREEN_ASKED, /* it waits for input */
        WIRE_SCREEN_ENDS
};

struct wire_screen_row {
        int64_t row;         /* from 0 at the top of the screen; negative in the scrollback */
        uint32_t is_full;    /* 1: its last column is taken, so it may go on in the next row */
        uint32_t is_changed; /* 1: since the serial that was given */
        struct str text;     /* without trailing blanks */
};

#define WIRE_SCREEN_ALTERNATE 1u /* the program has a screen of its own (vim, less) */
#define WIRE_SCREEN_HIDDEN    2u /* the cursor is not shown */
#define WIRE_SCREEN_PROMPT    4u /* a shell is at its prompt */

struct wire_screen {
        uint32_t columns; /* 0: there is no emulator, for want of memory */
        uint32_t rows;
        uint32_t cursor_x; /* from 0 */
        uint32_t cursor_y;
        uint32_t flags; /* WIRE_SCREEN_ALTERNATE … */
        enum wire_screen_end end;
        int64_t serial; /* for `since` */
        struct str title;
};

struct wire_sudo {
        uint32_t own_at;     /* where in the text the word sudo ends that is to prompt in our way; 0:
                                all of the text is run by a sudo of ours */
        struct str password; /* "" none is known */
        struct str whom;     /* for people: "bob@web1:22" */
        struct str why_none; /* for people: why there is no password, and what to do */
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

bool wire_write_key(struct buf *out, const struct wire_key *key);
bool wire_read_key(const struct frame *frame, struct wire_key *out_key);

bool wire_write_prompt(struct buf *out, const struct wire_prompt *prompt);
bool wire_read_prompt(const struct frame *frame, struct wire_prompt *out_prompt);

bool wire_write_secret(struct buf *out, const struct wire_secret *secret);
bool wire_read_secret(const struct frame *frame, struct wire_secret *out_secret);

bool wire_write_sudo(struct buf *out, uint64_t command, const struct wire_sudo *sudo);
bool wire_read_sudo(const struct frame *frame, struct wire_sudo *out_sudo);

bool wire_write_screen_read(struct buf *out, uint64_t shell, const struct wire_screen_read *read);
bool wire_read_screen_read(const struct frame *frame, struct wire_screen_read *out_read);
bool wire_write_screen_row(struct buf *out, uint64_t ticket, const struct wire_screen_row *row);
bool wire_read_screen_row(const struct frame *frame, struct wire_screen_row *out_row);
bool wire_write_screen(struct buf *out, uint64_t ticket, const struct wire_screen *screen);
bool wire_read_screen(const struct frame *frame, struct wire_screen *out_screen);

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
bool wire_write_u32(struct buf *out, enum wire_kind kind, uint64_t id, uint32_t number);
bool wire_write_ready(struct buf *out, struct str server, struct str method,
                      struct str algorithms);

bool wire_write_shell_ready(struct buf *out, uint64_t id, struct str program, int64_t pid);

const char *wire_awaiting_name(enum wire_awaiting awaiting); /* "nothing", "password", … */
