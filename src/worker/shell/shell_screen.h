#pragma once
/*
 * shell_screen.h - what a shell's terminal shows, for those who ask, and the answers to what
 * programs ask the terminal.
 *
 * The last bytes of the terminal are kept in a ring. The emulator is made from them when somebody
 * looks, sends keys, or a program takes single keys; from then on it gets every byte, and goes
 * again when it was not used for VIEW_IDLE_BYTES of plain output, so that plain commands cost no
 * more than the ring.
 *
 * The echo of our own wrapper lines is not shown. In its place stands the command as it was given.
 *
 * Process: worker.
 * Memory:  view_fini() frees; zeroed memory is an empty view.
 */
#include "wire/message.h"
#include "worker/terminal/ring.h"
#include "worker/terminal/screen.h"

#include <stdbool.h>
#include <stdint.h>

#define VIEW_READS_MAX  4               /* that wait; a further one answers the oldest */
#define VIEW_IDLE_BYTES (1024 * 1024)   /* fed to an emulator that nobody looks at, until it goes */
#define VIEW_TURN_BYTES (64 * 1024)     /* read from the host in a turn while there is one */
#define VIEW_ROWS_ABOVE 16              /* sent as well: a secret may begin above the screen */

/* One who waits for the terminal to settle. */
struct view_read {
        struct wire_screen_read asked; /* ticket 0: nobody */
        int64_t began_ms;
        uint64_t total; /* of the ring, then */
        unsigned depth; /* commands that ran then */
        bool was_asked; /* it waited for input already: that it does so is no reaction */
};

struct view {
        struct ring ring;
        struct screen *screen; /* NULL: nobody looks */
        uint64_t command_at;   /* offset in the ring where the command in front began */
        size_t unused;         /* bytes fed since somebody looked */
        bool takes_keys;       /* a program that takes single keys was seen in front */
        struct view_read reads[VIEW_READS_MAX];
        int64_t answers_since_ms; /* a window of ANSWERS_MS */
        unsigned answers;         /* in it */
};

struct shell;
struct facts;
struct verdict;

void view_fini(struct view *view);

/* The terminal printed this, and it is none of our own lines. */
void shell_show(struct shell *shell, const void *bytes, size_t len, int64_t now_ms);
void shell_show_command(struct shell *shell, int64_t now_ms); /* the top entry has started */

/* Answered by WIRE_SCREEN when it is due. */
void shell_read_screen(struct shell *shell, const struct wire_screen_read *asked, int64_t now_ms);

/* Types the one or the other, as the terminal's cursor key mode is. */
void shell_type_keys(struct shell *shell, struct str normal, struct str application,
                     int64_t now_ms);

/*
 * The kernel has told who is in front: whether questions to the terminal may be answered. True:
 * that was done, so the program waited for that and not for a person.
 */
bool shell_answer_terminal(struct shell *shell, const struct facts *facts,
                           const struct verdict *verdict, int64_t now_ms);

void shell_turn_screen(struct shell *shell, int64_t now_ms);
int64_t shell_screen_due_ms(const struct shell *shell); /* INT64_MAX: nobody waits */
