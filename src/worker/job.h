#pragma once
/*
 * job.h - the worker's side of one command: cleans what it prints and tells the supervisor.
 *
 * Process: worker.
 * Memory:  job_free() frees; accepts NULL. The frames buffer is borrowed for the job's life.
 * Errors:  none: the frames buffer's owner stops reading from hosts long before it is full.
 */
#include "base/buf.h"
#include "wire/message.h"
#include "worker/shell/sudo.h"
#include "worker/terminal/clean.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_TEXT_MAX     (1024 * 1024 + 1) /* bytes of a command; the supervisor's limit */
#define JOB_PARTIAL_MAX  1024              /* bytes shown of an unfinished line: its end */
#define JOB_PARTIAL_MS   200               /* between two looks at the unfinished line */

enum job_stream { JOB_STDOUT = 1, JOB_STDERR = 2 }; /* as in WIRE_OUTPUT */

struct job {
        uint64_t id;
        struct buf *frames; /* not ours */
        struct buf text;    /* the command, until it was typed or sent */
        struct sudo *sudo;  /* NULL: it is not elevated */
        struct clean out;
        struct clean err;
        struct buf cleaned; /* between cleaner and frame; empty between calls */
        enum wire_awaiting awaiting; /* as told last */
        uint64_t partial_told;       /* a digest of the partial as told last */
        int64_t partial_due_ms;
        bool started;
};

struct job *job_new(uint64_t id, enum clean_mode mode, struct buf *frames);
void job_free(struct job *job);

void job_start(struct job *job, int64_t now_ms);
void job_print(struct job *job, enum job_stream stream, const void *bytes, size_t len);

/* Tells the unfinished line if it has changed and its time has come; `force` does not wait. */
void job_tell_partial(struct job *job, int64_t now_ms, bool force);

/* Tells what the command waits for, if that is news. */
void job_tell_awaiting(struct job *job, enum wire_awaiting awaiting, struct str question);

/* The last word: what is left of its output, then the end. */
void job_end(struct job *job, const struct wire_end *end);
