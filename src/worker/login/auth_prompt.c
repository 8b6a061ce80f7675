/*
 * A nested wait on the frame socket: until a person has answered, nothing else can happen to this
 * worker but to be stopped, or to be hung up on.
 */
#include "worker/login/auth_private.h"

#include <poll.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* where it is missing, a host that hangs up is noticed at the next attempt */
#endif

static bool take_answer(struct auth_attempt *attempt, const struct frame *frame,
                        struct secret **out_answer)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t is_answered = wire_get_u32(&reader);
        struct str answer = wire_get_bytes(&reader);

        if (!wire_read_done(&reader))
                return err_set(attempt->over, ERR_PROTOCOL, "an answer that cannot be read");
        if (is_answered == 0)
                return err_set(attempt->over, ERR_AUTH, "its question was not answered");
        *out_answer = secret_new(answer.ptr, answer.len);
        return true;
}

/* Waits for the supervisor; false when that makes no sense any more. */
static bool wait_for_frame(struct auth_attempt *attempt, struct frame *out_frame)
{
        struct frame_socket *frames = attempt->frames;

        while (!frame_socket_next(frames, out_frame)) {
                struct pollfd fds[2] = {
                        { .fd = frames->fd, .events = POLLIN },
                        { .fd = ssh_get_fd(attempt->ssh), .events = POLLRDHUP },
                };
                (void)poll(fds, 2, -1); /* interrupted: the loop asks again */
                if ((fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
                        return err_set(attempt->over, ERR_AUTH,
                                       "it hung up while its question was waiting for an answer");
                if (fds[0].revents != 0 && !frame_socket_receive(frames))
                        return err_set(attempt->over, ERR_CANCELLED, "the supervisor is gone");
        }
        return true;
}

/* Nothing but a good-bye comes when nothing was asked. */
bool auth_is_stopped(struct auth_attempt *attempt)
{
        struct frame frame;

        if (!frame_socket_receive(attempt->frames) || frame_socket_next(attempt->frames, &frame))
                (void)err_set(attempt->over, ERR_CANCELLED, "stopped");
        return attempt->over->code != ERR_NONE;
}

bool auth_ask(struct auth_attempt *attempt, const struct wire_prompt *prompt,
              struct secret **out_answer)
{
        struct frame frame;

        if (!wire_write_prompt(&attempt->frames->out, prompt)
            || !frame_socket_send(attempt->frames))
                return err_set(attempt->over, ERR_CANCELLED, "the supervisor is gone");
        if (!wait_for_frame(attempt, &frame))
                return false;
        switch (frame.kind) {
        case WIRE_ANSWER: break;
        case WIRE_STOP: return err_set(attempt->over, ERR_CANCELLED, "stopped");
        default: /* a number from outside, not our enum */
                return err_set(attempt->over, ERR_PROTOCOL, "frame %u instead of an answer",
                               frame.kind);
        }
        bool ok = take_answer(attempt, &frame, out_answer);
        secret_wipe((uint8_t *)attempt->frames->in.data + attempt->frames->in_used - frame.len,
                    frame.len);
        return ok;
}

void auth_tell_secret(struct auth_attempt *attempt, enum wire_prompt_kind kind, size_t key,
                      bool is_good)
{
        const struct wire_secret secret = { .kind = kind,
                                            .key = (uint32_t)key,
                                            .is_good = is_good };

        (void)wire_write_secret(&attempt->frames->out, &secret); /* full: it is not kept */
}
