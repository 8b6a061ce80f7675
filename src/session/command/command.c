/*
 * States move by command_set_state() only, along the table below. Whatever ends a command fills
 * in what is known first and moves then, so that whoever is told of the change sees all of it.
 */
#include "session/command/command_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/scoped.h"
#include "base/secret.h"
#include "session/secrecy/remote_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(state) (1u << (state))
#define FINAL_STATES \
        (BIT(COMMAND_DONE) | BIT(COMMAND_FAILED) | BIT(COMMAND_INTERRUPTED) | BIT(COMMAND_LOST))
#define REASON_MAX ERR_TEXT_MAX

static const uint32_t may_become[] = {
        [COMMAND_QUEUED] = BIT(COMMAND_RUNNING) | BIT(COMMAND_AWAITING) | BIT(COMMAND_FAILED)
                           | BIT(COMMAND_INTERRUPTED) | BIT(COMMAND_LOST),
        [COMMAND_RUNNING] = BIT(COMMAND_AWAITING) | FINAL_STATES,
        [COMMAND_AWAITING] = BIT(COMMAND_AWAITING) | BIT(COMMAND_RUNNING) | FINAL_STATES,
        [COMMAND_DONE] = 0,
        [COMMAND_FAILED] = 0,
        [COMMAND_INTERRUPTED] = 0,
        [COMMAND_LOST] = 0,
};

bool command_state_is_final(enum command_state state)
{
        return (FINAL_STATES & BIT(state)) != 0;
}

const char *command_state_name(enum command_state state)
{
        switch (state) {
        case COMMAND_QUEUED: return "queued";
        case COMMAND_RUNNING: return "running";
        case COMMAND_AWAITING: return "awaiting_input";
        case COMMAND_DONE: return "done";
        case COMMAND_FAILED: return "failed";
        case COMMAND_INTERRUPTED: return "interrupted";
        case COMMAND_LOST: return "lost";
        }
        bug("command state %d", (int)state);
}

bool command_may_become(enum command_state from, enum command_state to)
{
        return (may_become[from] & BIT(to)) != 0;
}

/* A version 4 UUID: 122 random bits, so that nobody guesses the name of another's command. */
static void make_name(char out[COMMAND_NAME_LEN + 1])
{
        uint8_t b[16];

        random_bytes(b, sizeof b);
        b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
        b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
        (void)snprintf(out, COMMAND_NAME_LEN + 1,
                       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                       b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                       b[13], b[14], b[15]); /* always 36 characters */
}

struct command *command_new(const char *text, size_t len, bool isolated, const char *session)
{
        struct command *command = xcalloc(1, sizeof *command);

        list_init(&command->node);
        make_name(command->name);
        command->isolated = isolated;
        command->session = xstrdup(session);
        command->text = xstrndup(text, len);
        command->text_len = len;
        command->reason = xstrdup("");
        command->question = xstrdup("");
        command->asked_ms = clock_now_ms();
        command->asked_wall_ms = clock_wall_ms();
        command->output_ms = command->asked_ms;
        buf_init(&command->notes, COMMAND_NOTES_MAX);
        command->out = output_new();
        command->err = isolated ? output_new() : NULL;
        return command;
}

static char *without_secrets(const struct redactor *redactor, struct str text, unsigned *out_count)
{
        struct buf shown;

        buf_init(&shown, text.len * 3 + sizeof REDACTED); /* a form has four characters at least */
        (void)buf_reserve(&shown, 1);
        *out_count = redactor_text(redactor, text, &shown);
        return buf_take(&shown);
}

void command_set_redactor(struct command *command, const struct redactor *redactor)
{
        unsigned count = 0;

        command->redactor = redactor;
        output_set_redactor(command->out, redactor);
        if (command->err != NULL)
                output_set_redactor(command->err, redactor);
        if (redactor_is_empty(redactor))
                return;
        command->shown_text =
                without_secrets(redactor, (struct str){ command->text, command->text_len }, &count);
        if (count > 0)
                return;
        free(command->shown_text);
        command->shown_text = NULL;
}

const char *command_shown_text(const struct command *command)
{
        return command->shown_text != NULL ? command->shown_text : command->text;
}

void command_set_sudo(struct command *command, size_t own_at, const struct secret *password)
{
        struct command_sudo *sudo = xcalloc(1, sizeof *sudo);

        sudo->own_at = own_at;
        if (password != NULL)
                sudo->password = secret_new(secret_bytes(password), secret_len(password));
        command->sudo = sudo;
}

void command_free(struct command *command)
{
        if (command == NULL)
                return;
        if (command->sudo != NULL)
                secret_free(command->sudo->password);
        free(command->sudo);
        list_remove(&command->node);
        free(command->session);
        if (command->shown_text != NULL)
                secret_wipe(command->text, command->text_len);
        free(command->text);
        free(command->shown_text);
        free(command->reason);
        free(command->question);
        free(command->stopping_name);
        free(command->cwd);
        free(command->start_dir);
        buf_fini(&command->notes);
        output_free(command->out);
        output_free(command->err);
        free(command);
}

static void forget_question(struct command *command)
{
        command->awaiting = WIRE_AWAITING_NOTHING;
        command->question[0] = 0;
}

static void enter_final_state(struct command *command)
{
        command->ended_ms = clock_now_ms();
        command->ended_wall_ms = clock_wall_ms();
        if (command->sudo != NULL) {
                secret_free(command->sudo->password);
                command->sudo->password = NULL;
        }
        output_settle(command->out);
        if (command->err != NULL)
                output_settle(command->err);
}

void command_set_state(struct command *command, enum command_state next)
{
        if (!command_may_become(command->state, next))
                bug("command %" PRIu64 ": from %s to %s", command->id.n,
                    command_state_name(command->state), command_state_name(next));
        log_debug("%s: command %" PRIu64 ": %s, was %s", command->session, command->id.n,
                  command_state_name(next), command_state_name(command->state));
        command->state = next;
        if (next != COMMAND_AWAITING)
                forget_question(command);
        if (command_state_is_final(next))
                enter_final_state(command);
        if (command->watch != NULL)
                command->watch->changed(command->watch->arg);
}

void command_set_session(struct command *command, const char *session)
{
        free(command->session);
        command->session = xstrdup(session);
}

void command_set_awaiting(struct command *command, enum wire_awaiting awaiting, char **question)
{
        free(command->question);
        command->question = *question;
        *question = NULL;
        command->awaiting = awaiting;
        command_set_state(command, COMMAND_AWAITING);
}

void command_set_stopping(struct command *command, enum wire_stopping stopping, int64_t pid,
                          char **name)
{
        free(command->stopping_name);
        command->stopping_name = name != NULL ? *name : NULL;
        if (name != NULL)
                *name = NULL;
        command->stopping = stopping;
        command->stopping_pid = pid;
        if (command->watch != NULL)
                command->watch->changed(command->watch->arg);
}

void command_add_note(struct command *command, const char *note)
{
        if (note[0] == 0)
                return;
        if (command->notes.len > 0)
                (void)buf_append_byte(&command->notes, '\n'); /* full: documented */
        (void)buf_append_str(&command->notes, note);
}

static void note_printed(struct command *command)
{
        command->output_ms = clock_now_ms();
        if (command->watch != NULL)
                command->watch->printed(command->watch->arg);
}

void command_add_output(struct command *command, unsigned stream, struct str bytes)
{
        struct output *output = stream == 2 && command->err != NULL ? command->err : command->out;

        output_append(output, bytes.ptr, bytes.len);
        output_set_partial(output, NULL, 0); /* its line has ended; a new one is told anew */
        note_printed(command);
}

void command_set_partial(struct command *command, struct str bytes)
{
        output_set_partial(command->out, bytes.ptr, bytes.len);
        note_printed(command);
}

void command_end(struct command *command, enum command_state state, const struct err *why)
{
        /* The worker prints its unfinished line before it tells an end; else we do. */
        output_keep_partial(command->out);
        free(command->reason);
        command->reason = xstrdup(why->text);
        if (state == COMMAND_FAILED || state == COMMAND_LOST)
                command->error = *why;
        command_set_state(command, state);
}

static void take_status(struct command *command, const struct wire_end *end)
{
        if (end->status < 0)
                return;
        if (end->status > 255) { /* no shell and no SSH server says that */
                free(command->reason);
                command->reason = xasprintf("the host reported status %" PRId32, end->status);
                return;
        }
        command->status_known = true;
        command->exit_status = end->status;
}

static void take_signal(struct command *command, const struct wire_end *end)
{
        scoped_free char *name =
                remote_text_shown(command->redactor, end->signal, sizeof command->signal - 1);

        (void)snprintf(command->signal, sizeof command->signal, "%s", name);
        free(command->reason);
        command->reason = xasprintf("killed by signal %s", command->signal);
}

static void set_reason(struct command *command, const char *text, const char *otherwise)
{
        free(command->reason);
        command->reason = xstrdup(text[0] != 0 ? text : otherwise);
}

static enum command_state take_end(struct command *command, const struct wire_end *end,
                                   const char *text)
{
        switch (end->how) {
        case WIRE_HOW_EXITED:
                take_status(command, end);
                if (!command->status_known && command->reason[0] == 0)
                        set_reason(command, "", "no exit status was seen");
                command_add_note(command, text);
                return COMMAND_DONE;
        case WIRE_HOW_SIGNALED:
                take_signal(command, end);
                command_add_note(command, text);
                return COMMAND_DONE;
        case WIRE_HOW_UNKNOWN:
                set_reason(command, text, "no exit status was seen");
                return COMMAND_DONE;
        case WIRE_HOW_INTERRUPTED:
                take_status(command, end);
                if (end->signal.len > 0)
                        take_signal(command, end);
                else if (!command->status_known)
                        set_reason(command, "", "interrupted");
                command_add_note(command, text);
                return COMMAND_INTERRUPTED;
        case WIRE_HOW_LOST:
                set_reason(command, text, "connection lost: its channel was closed");
                (void)err_set(&command->error, ERR_CONNECT, "%s", command->reason);
                return COMMAND_LOST;
        case WIRE_HOW_REFUSED:
                set_reason(command, text, "the host refused to run it");
                (void)err_set(&command->error, ERR_REMOTE, "%s", command->reason);
                return COMMAND_FAILED;
        case WIRE_HOW_KINDS: break;
        }
        bug("wire_how %d", (int)end->how);
}

void command_end_as_told(struct command *command, const struct wire_end *end)
{
        scoped_free char *text = remote_text_shown(command->redactor, end->text, REASON_MAX - 1);
        enum command_state state = take_end(command, end, text);

        if (end->cwd.len > 0) {
                free(command->cwd);
                command->cwd = remote_text_shown(command->redactor, end->cwd, COMMAND_CWD_MAX);
        }
        if (command->state == COMMAND_QUEUED && state == COMMAND_DONE)
                command_set_state(command, COMMAND_RUNNING); /* so short that nobody saw it run */
        command_set_state(command, state);
}

struct command_info command_describe(const struct command *command)
{
        bool is_final = command_state_is_final(command->state);

        return (struct command_info){
                .id = command->id,
                .name = command->name,
                .session = command->session,
                .text = command_shown_text(command),
                .state = command->state,
                .isolated = command->isolated,
                .status_known = command->status_known,
                .exit_status = command->exit_status,
                .signal = command->signal[0] != 0 ? command->signal : NULL,
                .reason = command->reason,
                .error = command->error,
                .awaiting = command->awaiting,
                .question = command->question,
                .stopping = command->stopping,
                .stopping_pid = command->stopping_pid,
                .stopping_name = command->stopping_name != NULL ? command->stopping_name : "",
                .asked_wall_ms = command->asked_wall_ms,
                .ended_wall_ms = command->ended_wall_ms,
                .duration_ms = (is_final ? command->ended_ms : clock_now_ms()) - command->asked_ms,
                .cwd = command->cwd,
                .notes = command->notes.len > 0 ? (const char *)command->notes.data : "",
                .new_shell = command->new_shell,
                .redactions = output_redactions(command->out)
                              + (command->err != NULL ? output_redactions(command->err) : 0),
                .out = command->out,
                .err = command->err,
        };
}
