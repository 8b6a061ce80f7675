#pragma once
/*
 * home.h - whose ~/.ssh is meant: $HOME's, also where OpenSSH would take the account's.
 *
 * OpenSSH takes the home directory from the account and never looks at $HOME. A user who sets
 * $HOME (containers, sandboxes, tests) means that directory's .ssh. home_expand() turns the
 * paths that `ssh -G` prints into the ones that are meant.
 *
 * Process: supervisor.
 */
#include <stdbool.h>

struct home {
        char *dir;     /* $HOME, or the account's directory when $HOME is not set */
        char *account; /* home directory of the account */
        char *user;    /* name of the account */
        bool is_moved; /* dir is not account */
};

void home_init(struct home *home);
void home_fini(struct home *home); /* accepts zeroed memory */

/* "~/x" and, where the home is moved, "<account>/.ssh/x" become "<dir>/…"; yours, free(). */
char *home_expand(const struct home *home, const char *path);

/* "<dir>/x" becomes "~/x", for people; yours, free(). */
char *home_shorten(const struct home *home, const char *path);
