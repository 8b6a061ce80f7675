#include "worker/job.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>

#define OUTPUT_PIECE (60 * 1024)        /* bytes per frame, below WIRE_PAYLOAD_MAX */
#define CLEANED_MAX  (16 * 1024 * 1024) /* bytes; three times what one read can become, and more */

struct job *job_new(uint64_t id, enum clean_mode mode, struct buf *frames)
{
        struct job *job = xcalloc(1, sizeof *job);

        job->id = id;
        job->frames = frames;
        buf_init(&job->text, JOB_TEXT_MAX);
        buf_init(&job->cleaned, CLEANED_MAX);
        clean_init(&job->out, mode);
        clean_init(&job->err, mode);
        return job;
}

void job_free(struct job *job)
{
        if (job == NULL)
                return;
        sudo_free(job->sudo);
        buf_fini(&job->text);
        buf_fini(&job->cleaned);
        clean_fini(&job->out);
        clean_fini(&job->err);
        free(job);
}

/* A frame that does not fit is our own fault: the loop must have stopped reading before. */
static void told(bool ok)
{
        if (!ok)
                bug("no room for a frame to the supervisor");
}

static void send_cleaned(struct job *job, enum job_stream stream)
{
        const uint8_t *at = job->cleaned.data;
        size_t left = job->cleaned.len;

        while (left > 0) {
                size_t piece = left < OUTPUT_PIECE ? left : OUTPUT_PIECE;
                told(wire_write_u32_bytes(job->frames, WIRE_OUTPUT, job->id, stream, at, piece));
                at += piece;
                left -= piece;
        }
        buf_reset(&job->cleaned);
}

void job_start(struct job *job, int64_t now_ms)
{
        job->started = true;
        job->partial_due_ms = now_ms + JOB_PARTIAL_MS;
        buf_fini(&job->text);
        told(wire_write_bare(job->frames, WIRE_STARTED, job->id));
}

void job_print(struct job *job, enum job_stream stream, const void *bytes, size_t len)
{
        struct clean *clean = stream == JOB_STDOUT ? &job->out : &job->err;

        if (!clean_feed(clean, bytes, len, &job->cleaned))
                bug("a read of %zu bytes became more than %d", len, CLEANED_MAX);
        send_cleaned(job, stream);
}

static struct str partial_end(const struct job *job)
{
        struct str partial = clean_partial(&job->out);

        if (partial.len > JOB_PARTIAL_MAX) {
                partial.ptr += partial.len - JOB_PARTIAL_MAX;
                partial.len = JOB_PARTIAL_MAX;
                while (partial.len > 0 && (*partial.ptr & 0xC0) == 0x80) {
                        partial.ptr++; /* not into the middle of a character */
                        partial.len--;
                }
        }
        return partial;
}

static uint64_t digest(struct str str) /* FNV-1a */
{
        uint64_t hash = 0xCBF29CE484222325u;

        for (size_t i = 0; i < str.len; i++)
                hash = (hash ^ (uint8_t)str.ptr[i]) * 0x100000001B3u;
        return str.len == 0 ? 0 : hash;
}

void job_tell_partial(struct job *job, int64_t now_ms, bool force)
{
        struct str partial = partial_end(job);

        if (!job->started || (!force && now_ms < job->partial_due_ms))
                return;
        job->partial_due_ms = now_ms + JOB_PARTIAL_MS;
        if (digest(partial) == job->partial_told)
                return;
        job->partial_told = digest(partial);
        told(wire_write_bytes(job->frames, WIRE_PARTIAL, job->id, partial.ptr, partial.len));
}

void job_tell_awaiting(struct job *job, enum wire_awaiting awaiting, struct str question)
{
        if (awaiting == job->awaiting)
                return;
        job->awaiting = awaiting;
        told(wire_write_u32_bytes(job->frames, WIRE_AWAITING, job->id, awaiting, question.ptr,
                                  question.len));
}

void job_end(struct job *job, const struct wire_end *end)
{
        if (!clean_finish(&job->out, &job->cleaned))
                bug("an unfinished line does not fit");
        send_cleaned(job, JOB_STDOUT);
        if (!clean_finish(&job->err, &job->cleaned))
                bug("an unfinished line does not fit");
        send_cleaned(job, JOB_STDERR);
        told(wire_write_end(job->frames, WIRE_ENDED, job->id, end));
}
