#pragma once
/*
 * redactor.h - the secrets that the server has seen, and texts without them.
 *
 * Each secret is looked for in all its forms (secret_forms.h), in a stream, however it is cut
 * into pieces, in time proportional to the stream's length. What is found becomes REDACTED;
 * everything else stays as it is, byte for byte. As long as there is no secret, nothing is
 * looked at.
 *
 * A stream gives out at once what cannot be part of a secret, and holds back no more than the
 * beginning of one, which is less than the longest form.
 *
 * Process: supervisor.
 * Memory:  secrets are kept in locked memory and wiped. A stream must not outlive its redactor.
 * Errors:  ERR_LIMIT: there is no room for another secret; the caller must not use it then.
 */
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define REDACTED            "[redacted]"
#define REDACTOR_SECRET_MIN 4    /* bytes; a shorter one is not told from other text */
#define REDACTOR_SECRET_MAX 4096 /* bytes */
#define REDACTOR_NODES_MAX \
        (256 * 1024)             /* characters of all forms together, shared beginnings once */
#define REDACTOR_BEGINNING_MAX 3 /* characters of a secret that may be seen for a while */

struct redactor;

struct redactor *redactor_new(void);
void redactor_free(struct redactor *redactor); /* NULL is fine */

/* Looked for from now on. Line ends behind it do not count; one that is too short is none. */
bool redactor_add(struct redactor *redactor, struct str secret, struct err *err);

bool redactor_is_empty(const struct redactor *redactor); /* true for NULL */

/* Appends the text without secrets to out, as far as that takes it; how many there were. */
unsigned redactor_text(const struct redactor *redactor, struct str text, struct buf *out);

/* ---- streams ---- */

struct redactor_stream;

typedef void redactor_sink(void *arg, const void *bytes, size_t len);

struct redactor_stream *redactor_stream_new(const struct redactor *redactor);
void redactor_stream_free(struct redactor_stream *stream);

void redactor_stream_feed(struct redactor_stream *stream, struct str bytes, redactor_sink *sink,
                          void *arg);

/* The end: what was held back comes out. */
void redactor_stream_finish(struct redactor_stream *stream, redactor_sink *sink, void *arg);

/*
 * What would come out if the stream went on with these bytes and ended there, for somebody who
 * looks now: a beginning of a secret of more than REDACTOR_BEGINNING_MAX characters is REDACTED,
 * because the rest may come. The stream stays as it is.
 */
void redactor_stream_peek(const struct redactor_stream *stream, struct str bytes,
                          redactor_sink *sink, void *arg);

unsigned redactor_stream_count(const struct redactor_stream *stream); /* secrets found so far */
