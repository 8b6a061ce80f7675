#pragma once
/*
 * call.h - one tools/call in flight: what a tool's functions get.
 *
 * How a call ends.
 * - the tool answers: call_reply() or call_fail(), from run() or later from what it waits for
 * - the client cancels: the tool's cancel() may stop what runs; there is no answer
 * - the client goes: there is no answer; the engine goes on until it is stopped
 * In each case the wait is cancelled and the call is freed at once; nobody else holds it.
 *
 * Process: supervisor.
 * Memory:  the list of its client owns it. A tool's functions borrow it and give it back by
 *          answering, which empties their pointer.
 */
#include "base/list.h"
#include "mcp/args.h"
#include "mcp/inline_secrets.h"
#include "mcp/progress.h"
#include "mcp/requests.h"
#include "session/engine.h"

struct call;

/* What the wait ended with; never WAIT_TICK. */
typedef void call_waited(struct call *call, enum wait_reason reason);

/* The screen has come, or why it has not. */
typedef void call_screened(struct call *call, const struct screen_info *info,
                           const struct err *err);

struct call {
        struct list_node node;
        struct engine *engine;     /* not ours */
        struct requests *requests; /* not ours: the client's */
        request_id request;
        const struct tool *tool;
        json_t *arguments; /* shared with the message; args borrow from it */
        struct args args;
        int64_t started_ms;
        struct progress progress;

        command_id command; /* n 0: none yet */
        wait_id wait;       /* n 0: not waiting */
        call_waited *waited;
        uint64_t screen; /* ticket; 0: not waiting for one */
        call_screened *screened;

        /* for tools that tell what is new */
        int64_t deadline_ms;
        uint64_t seen_total;
        uint64_t seen_partial; /* a digest of it */

        /* for tools that wait for a text, see wait_for.h */
        struct seek *seek;  /* NULL: for none */
        bool is_on_screen;  /* it is sought there */
        command_id front;   /* in front of the screen at first; n 0 none */
};

struct call_spec {
        struct engine *engine;
        struct requests *requests;
        request_id request;
        const struct tool *tool;
        json_t *arguments; /* an object, or NULL */
        enum inline_secrets inline_secrets;
        json_t *progress_token; /* NULL: none */
};

/* Makes the call, checks its arguments and runs the tool; the call may be over on return. */
void call_start(struct list_node *calls, const struct call_spec *spec);

/* The client does not want it any more; nothing happens when there is no such call. */
void calls_cancel(struct list_node *calls, request_id request, const char *reason);
void calls_free(struct list_node *calls);

/* ---- for tools ---- */

void call_reply(struct call **call, json_t **result);
void call_reply_text(struct call **call, struct str text);
void call_fail(struct call **call, const struct err *err); /* isError, the err's text */

/*
 * Waits for the command, until deadline_ms at most; quiet_ms as in struct wait_spec; for what
 * call->seek looks for, too, if that is there. Sends progress meanwhile if the client asked for it. Then calls waited.
 */
void call_wait(struct call *call, command_id command, int64_t deadline_ms, int64_t quiet_ms,
               call_waited *waited);

/* Waits for what comes of an engine_interrupt(), until deadline_ms at most. Then calls waited. */
void call_wait_stopped(struct call *call, command_id command, int64_t deadline_ms,
                       call_waited *waited);

/*
 * Reads the screen of the session that the arguments mean; then calls screened. call->command is
 * the command in front of it, n 0 none.
 */
bool call_read_screen(struct call *call, const struct screen_request *request,
                      call_screened *screened, struct err *err);

/* The session that the arguments host, username, port, session mean; borrowed from args. */
struct session_ref call_session(const struct call *call);

/* The command named by the argument command_id, or ERR_NOT_FOUND with what to do. */
bool call_find_command(const struct call *call, struct command_info *out_info, struct err *err);
