#pragma once
/*
 * seek.h - looking for a text or a regular expression in what a command prints, as it comes.
 *
 * Each line is looked at alone, without its end, and the unfinished last line as it looks now:
 * for a regular expression it ends there. Of a line longer than SEEK_LINE_MAX pieces are looked
 * at that overlap by SEEK_OVERLAP bytes: a longer match in such a line is not found.
 *
 * What is looked at has lost its secrets, also those that came to be known after it was stored: a
 * secret cannot be found by guessing.
 *
 * Process: supervisor. Pure.
 * Memory:  a seek owns its pattern and one line. One look reads SEEK_TURN_MAX bytes at most, or
 *          what takes SEEK_STEPS_MAX steps of a regular expression.
 * Errors:  ERR_INPUT, ERR_LIMIT: the pattern; see regexp.h.
 */
#include "base/err.h"
#include "session/command/output.h"

#include <stdbool.h>
#include <stdint.h>

#define SEEK_TEXT_MAX  1000         /* bytes to look for; more are refused */
#define SEEK_LINE_MAX  (8 * 1024)   /* bytes */
#define SEEK_OVERLAP   (2 * 1024)   /* bytes; SEEK_TEXT_MAX fits */
#define SEEK_TURN_MAX  (256 * 1024) /* bytes */
#define SEEK_STEPS_MAX 4000000
#define SEEK_SHOWN_MAX 300 /* bytes of the line that are told */

struct seek;

bool seek_new(struct seek **out_seek, struct str pattern, bool is_regexp, struct err *err);
void seek_free(struct seek *seek); /* accepts NULL */

/* Where it begins: at an offset, or with what comes after this moment. One of them comes first. */
void seek_from(struct seek *seek, struct output *output, uint64_t offset);
void seek_from_now(struct seek *seek, struct output *output);

enum seek_result {
        SEEK_NOT_THERE, /* in all there is so far */
        SEEK_FOUND,     /* and it stays found */
        SEEK_BEHIND,    /* not in what was read; there is more to read */
};

/* redactor: NULL none. */
enum seek_result seek_look(struct seek *seek, struct output *output,
                           const struct redactor *redactor);

/* For one whole line from elsewhere, without its secrets. */
bool seek_in_line(struct seek *seek, struct str line);

struct seek_match {
        const char *line; /* around the match; borrowed */
        uint64_t offset;  /* of the match's first byte; of its line, if that had a secret */
};

bool seek_match(const struct seek *seek, struct seek_match *out_match); /* false: not found */
