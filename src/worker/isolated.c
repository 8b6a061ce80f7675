#include "worker/isolated.h"

#include "base/alloc.h"
#include "worker/session_channel.h"
#include "worker/shell/ladder.h"

#include <stdlib.h>

#define READ_PIECE   (32 * 1024) /* bytes; a packet's usual size */
#define CLOSE_WAIT_MS 2000       /* between the exit status and the channel's close */

struct isolated {
        struct session_channel *channel;
        struct job *job;
        bool was_interrupted;
        struct ladder ladder;
        int64_t end_by_ms; /* status seen: how long the rest of the output is waited for; 0 not yet */
};

struct isolated *isolated_new(ssh_session ssh, const struct channel_env *env, struct job **job,
                              int64_t now_ms)
{
        struct isolated *isolated = xcalloc(1, sizeof *isolated);
        struct session_channel_request request = {
                .exec = (const char *)(*job)->text.data,
                .close_stdin = true,
                .env = env,
        };

        isolated->channel = session_channel_new(ssh, &request, now_ms);
        isolated->job = *job;
        *job = NULL;
        return isolated;
}

void isolated_free(struct isolated *isolated)
{
        if (isolated == NULL)
                return;
        session_channel_free(isolated->channel);
        job_free(isolated->job);
        free(isolated);
}

uint64_t isolated_id(const struct isolated *isolated)
{
        return isolated->job->id;
}

int64_t isolated_deadline_ms(const struct isolated *isolated)
{
        int64_t climb_ms = ladder_due_ms(&isolated->ladder);
        int64_t due_ms = isolated->end_by_ms != 0 ? isolated->end_by_ms
                                                  : session_channel_deadline_ms(isolated->channel);

        return climb_ms < due_ms ? climb_ms : due_ms;
}

static size_t read_stream(struct isolated *isolated, enum job_stream stream, size_t budget)
{
        char bytes[READ_PIECE];
        size_t taken = 0;
        size_t n;

        while (taken < budget
               && (n = session_channel_read(isolated->channel, stream == JOB_STDERR, bytes,
                                            sizeof bytes))
                          > 0) {
                job_print(isolated->job, stream, bytes, n);
                taken += n;
        }
        return taken;
}

static void tell_end(struct isolated *isolated)
{
        struct session_channel_end seen = session_channel_end(isolated->channel);
        struct wire_end end = { .how = WIRE_HOW_LOST, .status = -1 };

        if (seen.status >= 0) {
                end.how = isolated->was_interrupted ? WIRE_HOW_INTERRUPTED : WIRE_HOW_EXITED;
                end.status = seen.status & 0xFF;
        } else if (seen.signal[0] != 0) {
                end.how = isolated->was_interrupted ? WIRE_HOW_INTERRUPTED : WIRE_HOW_SIGNALED;
                end.signal = str_of(seen.signal);
        } else {
                end.text = str_of("the server closed the channel without an exit status");
        }
        job_end(isolated->job, &end);
}

/* Whether a signal has reached anything is not told: a silent step counts as one. */
static void climb(struct isolated *isolated, int64_t now_ms)
{
        static const struct ladder_answer silence = { .kind = LADDER_NO_ANSWER };
        enum ladder_step step = ladder_due(&isolated->ladder, true, now_ms);

        switch (step) {
        case LADDER_WAIT: return;
        case LADDER_TERM: session_channel_signal(isolated->channel, "TERM"); break;
        case LADDER_KILL: session_channel_signal(isolated->channel, "KILL"); break;
        case LADDER_LOOK: break;
        case LADDER_OVER:
                job_tell_stopping(isolated->job, isolated->ladder.outcome, 0, str_of(""));
                return;
        }
        ladder_asked(&isolated->ladder);
        ladder_answered(&isolated->ladder, &silence, now_ms);
}

bool isolated_turn(struct isolated *isolated, size_t budget, int64_t now_ms)
{
        session_channel_turn(isolated->channel, now_ms);
        if (session_channel_state(isolated->channel) == SESSION_CHANNEL_FAILED) {
                struct wire_end end = {
                        .how = WIRE_HOW_REFUSED,
                        .status = -1,
                        .text = str_of(session_channel_error(isolated->channel)),
                };
                job_end(isolated->job, &end);
                return false;
        }
        if (!isolated->job->started
            && session_channel_state(isolated->channel) == SESSION_CHANNEL_OPEN)
                job_start(isolated->job, now_ms);
        size_t taken = read_stream(isolated, JOB_STDOUT, budget);
        taken += read_stream(isolated, JOB_STDERR, budget);

        struct session_channel_end seen = session_channel_end(isolated->channel);
        bool has_end = seen.status >= 0 || seen.signal[0] != 0;
        if (has_end && (isolated->end_by_ms == 0 || taken > 0))
                isolated->end_by_ms = now_ms + CLOSE_WAIT_MS;
        session_channel_turn(isolated->channel, now_ms);
        if (session_channel_state(isolated->channel) == SESSION_CHANNEL_CLOSED
            || (has_end && now_ms >= isolated->end_by_ms)) {
                tell_end(isolated);
                return false;
        }
        climb(isolated, now_ms);
        return true;
}

void isolated_interrupt(struct isolated *isolated, int64_t now_ms)
{
        if (isolated->ladder.is_up)
                return; /* it climbs already */
        isolated->was_interrupted = true;
        session_channel_signal(isolated->channel, "INT");
        ladder_begin(&isolated->ladder, now_ms);
}
