#pragma once
/*
 * output.h - everything one stream of one command has printed, addressable by offset.
 *
 * The first OUTPUT_HEAD_MAX and the last OUTPUT_TAIL_MAX bytes stay in memory; what lies between
 * goes to an unlinked temporary file of at most OUTPUT_SPILL_MAX bytes; what that cannot take is
 * dropped and counted. Offsets count from the first byte ever printed, dropped ones included.
 * The text is clean UTF-8 (the worker's cleaner made it, output_append() repairs it again,
 * because a worker is not trusted).
 *
 * The partial is the unfinished last line as it looks now; it is no part of the offsets.
 *
 * With a redactor, secrets are taken out before anything is stored, so that offsets are those of
 * what is shown; what was stored before a secret was seen stays. The beginning of a secret is
 * held back until more comes or output_settle(); until then it is part of the partial, see
 * redactor_stream_peek().
 *
 * Process: supervisor.
 * Memory:  an output owns its memory and file; what is read is copied out.
 * Errors:  none: a file that cannot be written means dropped bytes, and they are counted.
 */
#include "base/buf.h"
#include "session/secrecy/redactor.h"

#include <stddef.h>
#include <stdint.h>

#define OUTPUT_HEAD_MAX    (256 * 1024)       /* bytes; later ones go through the tail */
#define OUTPUT_TAIL_MAX    (256 * 1024)       /* bytes; older ones are spilled */
#define OUTPUT_SPILL_MAX   (64 * 1024 * 1024) /* bytes in the file; then the middle is dropped */
#define OUTPUT_PARTIAL_MAX (4 * 1024)         /* bytes; of a longer line only its end is shown */

struct output;

struct output *output_new(void);
void output_free(struct output *output);

/* Not taken; it has to outlive the output. */
void output_set_redactor(struct output *output, const struct redactor *redactor);

void output_append(struct output *output, const void *bytes, size_t len);
void output_set_partial(struct output *output, const void *bytes, size_t len);
void output_keep_partial(struct output *output); /* it is finished as it is: stored */

uint64_t output_total(const struct output *output);   /* bytes printed so far, dropped included */
uint64_t output_dropped(const struct output *output); /* bytes that no offset can reach any more */
unsigned output_redactions(const struct output *output); /* secrets taken out so far */

/*
 * For after the end: forgets the partial and moves the tail to the file, if there is one already
 * or the head was not enough, so that a finished command holds little memory. Reading goes on as
 * before; appending must not.
 */
void output_settle(struct output *output);

/* Borrowed until the next append or set_partial. */
struct str output_partial(const struct output *output);

/*
 * Copies up to len bytes from offset on into out and returns how many; 0 at the end. Where the
 * bytes at offset were dropped, *out_skipped tells how many were passed over, else it is 0.
 */
size_t output_read(struct output *output, uint64_t offset, void *out, size_t len,
                   uint64_t *out_skipped);
