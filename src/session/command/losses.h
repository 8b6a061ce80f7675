#pragma once
/*
 * losses.h - which sessions have lost their shell's state, until somebody was told.
 *
 * Process: supervisor. Pure.
 * Memory:  at most LOSSES_MAX; the oldest is forgotten, and nobody is told of that one.
 */
#define LOSSES_MAX 256

struct losses;

struct losses *losses_new(void);
void losses_free(struct losses *losses);

/* session: the same name for the same; why: part of a sentence. The newest for a session counts. */
void losses_remember(struct losses *losses, const char *session, const char *why);

/* Why the session's state was lost, or NULL; told once. Yours, free(). */
char *losses_take(struct losses *losses, const char *session);
