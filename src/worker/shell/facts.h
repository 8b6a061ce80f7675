#pragma once
/*
 * facts.h - what the host's kernel says about a terminal, and what follows from it.
 *
 * The probe's script (probe.c) prints one line per fact; here they are read and judged. No
 * prompt text and no idle time enters the verdict.
 *
 * Linux facts: /proc/PID/stat, /proc/PID/syscall or wchan (proc(5)), termios (termios(3)).
 *
 * Process: worker. Pure.
 * Memory:  fixed; a fact beyond the limits is left out.
 */
#include "base/str.h"
#include "worker/shell/driver.h"

#include <stdbool.h>
#include <stddef.h>

#define FACTS_PROCESSES_MAX 24  /* of the foreground group; more are not looked at */
#define FACTS_NAME_MAX      24  /* bytes with the NUL; the kernel's comm has 15 */
#define FACTS_ARGS_MAX      128 /* bytes with the NUL */

struct facts_process {
        long long pid;
        long long stack;     /* where its stack starts: another number after an exec; 0 unknown */
        char state;          /* as in ps: R S D T Z */
        bool waits_known;    /* the next three could be read (same user, no ptrace restriction) */
        bool reads_terminal; /* sleeps in a read of a terminal */
        bool reads_block;    /* in one of 1,024 bytes, a terminal's st_blksize: bash's prompt, when it
                                edits no lines, does; its `read` takes another number */
        bool reads_byte;     /* in one of a single byte, as the `read` of shells does */
        bool polls;          /* sleeps in select, poll or epoll */
        char name[FACTS_NAME_MAX];
        char args[FACTS_ARGS_MAX]; /* shells and sudo only: argv, blanks between */
        bool has_parents;      /* sudo only: the next three are known */
        long long euid;      /* -1 unknown */
        long long parent;
        bool has_children;
};

struct facts {
        bool found;       /* the session's shell exists and has a terminal */
        long long shell_pid; /* which process that is */
        bool modes_known; /* the next three */
        bool canonical;
        bool echo;
        bool cr_to_nl;
        struct facts_process processes[FACTS_PROCESSES_MAX]; /* the foreground process group */
        size_t process_count;
};

/* Takes one line of the script's answer into facts, which starts zeroed. Unknown lines are skipped. */
void facts_take_line(struct facts *facts, struct str line);

enum verdict_kind {
        VERDICT_RUNNING,      /* nothing says otherwise */
        VERDICT_PROMPT,       /* the shell itself is at its prompt */
        VERDICT_REPLACED,     /* as PROMPT, but another program image has taken the shell's place */
        VERDICT_PASSWORD,
        VERDICT_LINE,
        VERDICT_PROGRAM,
        VERDICT_NESTED_SHELL, /* another shell is at its prompt */
};

struct verdict {
        enum verdict_kind kind;
        const struct facts_process *process; /* whom it is about; in the facts; NULL nobody */
};

/* What we know ourselves when we ask. */
struct verdict_question {
        const struct driver *driver; /* of the shell that runs our line; NULL unknown */
        long long shell_pid;         /* of that shell; 0 unknown */
        long long shell_stack;       /* its facts_process.stack when we met it; 0 unknown */
        bool runs_command;  /* our line was taken; false: the shell is starting */
        bool interrupted;   /* Ctrl-C was sent: the rest of our line may be gone */
        bool wants_line;    /* the command itself uses the shell's own `read` */
        bool is_remote;     /* that shell is behind ssh, docker…: its processes are not to be seen */
        bool line_editor_on;/* bracketed paste was switched on last (ESC[?2004h): a hint, used only
                               to tell a line editor from a raw read by the same process */
};

/* A shell that was not given a script or -c, as far as its arguments show. */
bool facts_is_interactive_shell(const struct facts_process *process);

/* Shows another machine's terminal, or another one of this machine: ssh, docker, sudo. */
bool facts_is_relay(const struct facts_process *process);

struct verdict facts_judge(const struct facts *facts, const struct verdict_question *question);
