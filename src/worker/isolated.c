#include "worker/isolated.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "worker/session_channel.h"

#include <stdlib.h>

#define READ_PIECE   (32 * 1024) /* bytes; a packet's usual size */
#define EXEC_SPARE   1024       /* bytes of sudo's part of a command */
#define CLOSE_WAIT_MS 2000       /* between the exit status and the channel's close */

struct isolated {
        struct session_channel *channel;
        struct job *job;
        unsigned interrupts;
        bool has_no_probe;
        bool is_asking; /* an answer of the probe is under way */
        int64_t ask_after_ms;
        int64_t end_by_ms; /* status seen: how long the rest of the output is waited for; 0 not yet */
};

/* A text in single quotes; false: too long. */
static bool quote(struct buf *out, struct str text)
{
        bool ok = buf_append_str(out, text.len > 0 && text.ptr[0] == '-' ? "' " : "'");

        for (size_t i = 0; ok && i < text.len; i++)
                ok = text.ptr[i] == '\'' ? buf_append_str(out, "'\\''")
                                         : buf_append(out, text.ptr + i, 1);
        return ok && buf_append_str(out, "'");
}

/* What is asked of the server: for an elevated command, sudo around it. */
static bool write_exec(struct buf *out, const struct job *job)
{
        struct str text = buf_str(&job->text);

        if (job->sudo == NULL)
                return buf_append(out, text.ptr, text.len);
        if (job->sudo->own_at != 0)
                return sudo_write_own(out, job->sudo, text, /* is_piped= */ true);
        return sudo_write_start(out, job->sudo, "sh", /* is_piped= */ true) && quote(out, text);
}

struct isolated *isolated_new(ssh_session ssh, const struct channel_env *env, struct job **job,
                              int64_t now_ms)
{
        struct isolated *isolated = xcalloc(1, sizeof *isolated);
        scoped_buf struct buf exec;

        buf_init(&exec, 4 * JOB_TEXT_MAX + EXEC_SPARE);
        if (!write_exec(&exec, *job))
                bug("a command of %zu bytes does not fit", (*job)->text.len);
        struct session_channel_request request = {
                .exec = (const char *)exec.data,
                .close_stdin = (*job)->sudo == NULL, /* else when it has its password, or runs */
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

/* Does its sudo ask, and nothing was typed yet? */
static bool is_asked(const struct isolated *isolated)
{
        const struct sudo *sudo = isolated->job->sudo;

        return sudo != NULL && sudo->at_prompt && sudo->step == SUDO_BEGINS;
}

int64_t isolated_deadline_ms(const struct isolated *isolated)
{
        if (isolated->end_by_ms != 0)
                return isolated->end_by_ms;
        if (is_asked(isolated) && !isolated->is_asking)
                return isolated->ask_after_ms;
        return session_channel_deadline_ms(isolated->channel);
}

static void type_password(struct isolated *isolated)
{
        struct sudo *sudo = isolated->job->sudo;

        (void)session_channel_write_secret(isolated->channel, sudo->password); /* a closed channel
                shows in its end */
        sudo_set_typed(sudo);
        session_channel_close_stdin(isolated->channel);
}

static void give_up(struct isolated *isolated, const char *why)
{
        sudo_give_up(isolated->job->sudo, why);
        session_channel_close_stdin(isolated->channel);
}

/* A second prompt gets the end of the input, which ends sudo. */
static void look_for_prompt(struct isolated *isolated)
{
        struct sudo *sudo = isolated->job->sudo;

        if (is_asked(isolated) && sudo->password == NULL) {
                give_up(isolated, NULL);
        } else if (is_asked(isolated) && isolated->has_no_probe) {
                type_password(isolated);
        } else if (sudo->prompts > 1 && sudo->step == SUDO_TYPED) {
                sudo_set_refused(sudo);
                if (!wire_write_bare(isolated->job->frames, WIRE_SUDO_REFUSED, isolated->job->id))
                        bug("no room for a frame to the supervisor");
        } else if (sudo->step == SUDO_RUNS) {
                session_channel_close_stdin(isolated->channel);
        }
}

bool isolated_wants_probe(const struct isolated *isolated, int64_t now_ms, const char **out_nonce)
{
        if (!is_asked(isolated) || isolated->is_asking || now_ms < isolated->ask_after_ms)
                return false;
        *out_nonce = isolated->job->sudo->nonce;
        return true;
}

void isolated_on_asked(struct isolated *isolated)
{
        isolated->is_asking = true;
}

void isolated_on_facts(struct isolated *isolated, const struct facts *facts, int64_t now_ms)
{
        struct sudo *sudo = isolated->job->sudo;

        isolated->is_asking = false;
        if (!is_asked(isolated))
                return;
        const char *doubt = sudo_doubt_piped(sudo, facts);
        if (doubt == NULL)
                type_password(isolated);
        else if (++sudo->tries < SUDO_TRIES_MAX)
                isolated->ask_after_ms = now_ms + SUDO_RETRY_MS;
        else
                give_up(isolated, doubt);
}

void isolated_on_no_probe(struct isolated *isolated)
{
        isolated->has_no_probe = true;
        isolated->is_asking = false;
        if (isolated->job->sudo != NULL)
                look_for_prompt(isolated);
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
                struct str text = { bytes, n };
                if (stream == JOB_STDERR && isolated->job->sudo != NULL) {
                        text = sudo_feed(isolated->job->sudo, text);
                        look_for_prompt(isolated);
                }
                job_print(isolated->job, stream, text.ptr, text.len);
                taken += n;
        }
        return taken;
}

static void tell_end(struct isolated *isolated)
{
        struct session_channel_end seen = session_channel_end(isolated->channel);
        struct wire_end end = { .how = WIRE_HOW_LOST, .status = -1 };

        if (seen.status >= 0) {
                end.how = isolated->interrupts > 0 ? WIRE_HOW_INTERRUPTED : WIRE_HOW_EXITED;
                end.status = seen.status & 0xFF;
        } else if (seen.signal[0] != 0) {
                end.how = isolated->interrupts > 0 ? WIRE_HOW_INTERRUPTED : WIRE_HOW_SIGNALED;
                end.signal = str_of(seen.signal);
        } else {
                end.text = str_of("the server closed the channel without an exit status");
        }
        struct sudo *sudo = isolated->job->sudo;
        if (sudo != NULL) {
                struct str rest = sudo_release(sudo);
                job_print(isolated->job, JOB_STDERR, rest.ptr, rest.len);
                (void)sudo_judge_end(sudo, /* is_piped= */ true, &end);
        }
        job_end(isolated->job, &end);
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
        return true;
}

void isolated_interrupt(struct isolated *isolated)
{
        static const char *const ladder[] = { "INT", "TERM", "KILL" };
        unsigned rung = isolated->interrupts < 2 ? isolated->interrupts : 2;

        isolated->interrupts++;
        session_channel_signal(isolated->channel, ladder[rung]);
}
