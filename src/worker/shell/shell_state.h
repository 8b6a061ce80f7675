#pragma once
/*
 * shell_state.h - what shell.c, shell_login.c, shell_marks.c and shell_watch.c share; nobody else includes it.
 *
 * Process: worker.
 */
#include "worker/session_channel.h"
#include "worker/shell/ladder.h"
#include "worker/shell/marker.h"
#include "worker/shell/shell.h"
#include "worker/shell/shell_screen.h"
#include "worker/shell/wrapper.h"

#define SETTLE_MS        20   /* after an end mark: the prompt's first byte, or this long */
#define QUIET_FIRST_MS   150  /* without output until the kernel is asked */
#define QUIET_MAX_MS     5000 /* the pause between two questions doubles up to this */
#define STARTING_ASK_MS  10   /* the first pause between questions while rc files run */
#define RELAY_QUIET_MS   1000 /* behind ssh or docker: a shell that starts there shows its line editor
                                 within, or it is taken for a program that takes keys */
#define CONFIRM_MS       40   /* between two answers that together end a command */
#define INTERRUPT_ASK_MS 30   /* after Ctrl-C */
/*
 * After a start mark: Ctrl-C waits this long. Sent while the shell forks, it throws the shell back
 * to its prompt, and then the child takes the terminal away from under it.
 */
#define FORK_MS          100
#define START_MS         1000 /* for the start mark of a typed line, before Ctrl-C gives it up */
#define INTERRUPT_MS     5000 /* a command that ends this long after Ctrl-C ended because of it */
#define CTRL_C           0x03 /* what interrupts, unless stty says otherwise */
#define END_ONLY_MS      2000 /* for the end mark that was asked for at the prompt */
#define NAME_MS          5000 /* for the answer which shell it is */
#define HINT_MS          1000 /* without a probe: quiet until a starting shell is typed at */

enum shell_phase {
        SHELL_STARTING, /* not known to be at a prompt: channel opens, rc files run, or input was
                           typed while no command of ours was there to get it */
        SHELL_ASKING,   /* the shell was asked which one it is: no probe, or it is behind a relay */
        SHELL_FOREIGN,  /* the login program is nothing that commands can be run in */
        SHELL_IDLE,     /* at a prompt: the login shell's or a nested one's */
        SHELL_SETTLING, /* end mark seen, the prompt is about to come */
        SHELL_TYPED,    /* our line was typed, no start mark yet */
        SHELL_RUNNING,  /* start mark seen */
        SHELL_OVER,
};

/* One shell in the stack: the login shell is level 0, a shell started by entry n is level n + 1. */
struct level {
        const struct driver *driver;
        long long pid;    /* as the kernel of our host knows it; 0 unknown or on another machine */
        long long stack;  /* facts_process.stack; 0 unknown */
        int last_status;  /* $? there; -1 unknown */
        bool is_fresh;    /* nothing was typed into it yet */
        bool is_remote;   /* behind ssh, docker, sudo's own pty: its processes are not to be seen */
};

/* One command; entry n runs in level n. */
struct entry {
        struct job *job;
        char start_nonce[MARKER_START_LEN + 1];
        char end_nonce[MARKER_END_LEN + 1];
        bool is_muted;     /* a command inside it was typed: what it prints is echo and prompts */
        bool wants_line;   /* its text names `read` */
        bool end_asked;    /* the end mark alone was typed */
        bool is_foreign;   /* what runs in it was asked, and does not answer as a shell */
        bool ctrl_c_typed; /* by the caller, as input: the rest of our line may be gone */
        bool was_answered; /* input was typed, and the kernel was not asked since */
        int64_t started_ms;
        int64_t interrupted_ms; /* 0: it was not */
        bool interrupt_wanted;  /* Ctrl-C is to be typed FORK_MS after the start */
        struct ladder ladder;   /* what follows Ctrl-C */
};

struct shell {
        struct shell_config config;
        struct session_channel *channel;
        enum shell_phase phase;
        struct marker marker;
        struct clean noise; /* outside of commands: its last line is what an rc file asks */
        struct buf noise_out;
        struct buf noise_last; /* the last whole line of it that is not empty */
        struct level levels[SHELL_DEPTH_MAX + 1];
        struct entry entries[SHELL_DEPTH_MAX];
        unsigned depth;  /* entries in use */
        unsigned open_levels; /* levels in use: depth, or one more with a nested shell at its prompt */
        struct job *waiting; /* the next command, until there is a prompt; NULL none */

        bool has_probe;
        bool ready_told;     /* WIRE_SHELL_READY was */
        bool is_no_login;    /* the host's exec channel has run no sh: the login program is no shell */
        bool paste_on;       /* ESC[?2004h was printed last, not l */
        unsigned paste_seen; /* how much of the sequence the last bytes matched */
        char ask_nonce[MARKER_END_LEN + 1]; /* of SHELL_ASKING */

        int64_t phase_since_ms;
        int64_t last_output_ms;
        int64_t ask_after_ms;   /* not before: the pause since the last question */
        int64_t pause_ms;
        bool is_asking;         /* an answer is under way */
        uint64_t signalled_job; /* id of the one whose signal is on its way to its answer; 0 none */
        uint64_t phase_count;   /* phases so far */
        uint64_t asked_phase;   /* phase_count when the question went off */
        bool output_since_ask;
        unsigned confirmations; /* equal verdicts in a row that would end the command */
        struct buf held;        /* printed after Ctrl-C with a line editor on: a prompt, most likely */
        bool lf_tried;          /* Enter was sent as LF too */
        struct view view;       /* what the terminal shows; shell_screen.c */
        int64_t exit_seen_ms;   /* exit status came, the channel is still open; 0 not yet */
};

/* shell.c */
void shell_set_phase(struct shell *shell, enum shell_phase phase, int64_t now_ms);
void shell_type_waiting(struct shell *shell, int64_t now_ms);
void shell_end_over(struct shell *shell, const struct wire_end *end, int64_t now_ms);
struct entry *shell_top_entry(struct shell *shell); /* NULL: no command */
void shell_type(struct shell *shell, const void *bytes, size_t len);
void shell_interrupt_now(struct shell *shell, int64_t now_ms); /* Ctrl-C to the top command */
void shell_ask_soon(struct shell *shell, int64_t in_ms, int64_t now_ms);

void shell_interrupt_waiting(struct shell *shell); /* it had not started */

/* shell_stop.c */
void shell_turn_interrupts(struct shell *shell, int64_t now_ms);
int64_t shell_interrupt_due_ms(const struct shell *shell);

void shell_refuse_waiting(struct shell *shell, const char *why);

/* shell_login.c */
void shell_tell_level(struct shell *shell, unsigned index, struct str program, const char *limits,
                      bool is_foreign);
void shell_on_ready(struct shell *shell, const struct facts *facts,
                    const struct facts_process *process, int64_t now_ms);
void shell_ask_name(struct shell *shell, int64_t now_ms);
void shell_on_name(struct shell *shell, struct str name, int64_t now_ms);
void shell_give_up_asking(struct shell *shell, int64_t now_ms);
bool shell_can_run_in(const struct shell *shell, const struct facts_process *process);
void shell_open_level(struct shell *shell, const struct facts *facts,
                      const struct facts_process *process, int64_t now_ms);

/* shell_marks.c */
void shell_give_held(struct shell *shell); /* it was the command's output after all */
void shell_take_output(struct shell *shell, const uint8_t *bytes, size_t len, int64_t now_ms);
void shell_end_entry(struct shell *shell, unsigned index, struct wire_end end, int64_t now_ms);

/* shell_sudo.c */
struct str shell_without_prompt(struct shell *shell, struct str bytes, int64_t now_ms);
void shell_release_prompt(struct shell *shell); /* what was kept back is output after all */
/* True: nothing else follows from these facts. May change the verdict. */
bool shell_judge_sudo(struct shell *shell, const struct facts *facts, long long shell_pid,
                      struct verdict *verdict, int64_t now_ms);

/* shell_watch.c */
void shell_ask_for_status(struct shell *shell, int64_t now_ms);
int64_t shell_ask_due_ms(const struct shell *shell); /* INT64_MAX: no reason to ask */
