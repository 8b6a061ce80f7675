/* buf results are not checked: the text is far below its limit. */
#include "mcp/stopping_text.h"

#include "base/log.h"
#include "mcp/text.h"

#include <inttypes.h>

#define NAME_SHOWN_MAX 64 /* bytes of a program name */

#define put(...) ((void)buf_printf(__VA_ARGS__))

static void write_ended(struct buf *out, const struct command_info *info)
{
        if (info->state == COMMAND_LOST) {
                put(out, "unconfirmed: the connection was lost meanwhile, so the command may still "
                         "run on the host. Look with ps.\n");
                return;
        }
        if (info->state == COMMAND_FAILED) {
                put(out, "stopped: it had not run at all\n");
                return;
        }
        put(out, info->state == COMMAND_DONE ? "stopped: it ended by itself, exit status "
                                             : "stopped: exit status ");
        text_write_exit_status(out, info);
        put(out, "\n");
}

static void write_process(struct buf *out, const struct command_info *info)
{
        put(out, "still running (pid ");
        if (info->stopping_pid > 0)
                put(out, "%" PRId64, info->stopping_pid);
        else
                put(out, "unknown");
        if (info->stopping_name[0] != '\0') {
                put(out, ", ");
                text_write_line(out, info->stopping_name, NAME_SHOWN_MAX);
        }
}

void stopping_write(struct buf *out, const struct command_info *info)
{
        if (command_state_is_final(info->state)) {
                write_ended(out, info);
                return;
        }
        switch (info->stopping) {
        case WIRE_STOPPING_RUNS:
                write_process(out, info);
                put(out, "): Ctrl-C, TERM and KILL were sent, and it is still there. It may wait "
                         "for a device; run other commands with session or isolated.\n");
                return;
        case WIRE_STOPPING_OTHER_USER:
                write_process(out, info);
                put(out, ", another user's): Ctrl-C was typed; only its user or root may signal it. "
                         "Run 'sudo kill' with that pid, with session or isolated.\n");
                return;
        case WIRE_STOPPING_SHELL:
                write_process(out, info);
                put(out, "): the session's shell itself runs it and ignores Ctrl-C; it is not killed, "
                         "because its state would be lost. close_session ends it.\n");
                return;
        case WIRE_STOPPING_UNCONFIRMED:
                put(out, "unconfirmed: it was asked to stop, but has not ended, and its processes "
                         "cannot be seen or signalled from here.\n");
                return;
        case WIRE_STOPPING_NOT:
        case WIRE_STOPPING_UNDER_WAY:
                put(out, "unconfirmed so far: Ctrl-C, then TERM, then KILL are being sent until it "
                         "ends.\n");
                return;
        case WIRE_STOPPING_KINDS: break;
        }
        bug("stopping %d", (int)info->stopping);
}

static const char *outcome(const struct command_info *info)
{
        if (info->state == COMMAND_LOST)
                return "unconfirmed";
        if (command_state_is_final(info->state))
                return "stopped";
        switch (info->stopping) {
        case WIRE_STOPPING_RUNS:
        case WIRE_STOPPING_OTHER_USER:
        case WIRE_STOPPING_SHELL:       return "still_running";
        case WIRE_STOPPING_NOT:
        case WIRE_STOPPING_UNDER_WAY:
        case WIRE_STOPPING_UNCONFIRMED:
        case WIRE_STOPPING_KINDS:       break;
        }
        return "unconfirmed";
}

json_t *stopping_facts(const struct command_info *info)
{
        bool has_pid = !command_state_is_final(info->state) && info->stopping_pid > 0;

        return json_pack("{s:s,s:o}", "outcome", outcome(info), "pid",
                         has_pid ? json_integer((json_int_t)info->stopping_pid) : json_null());
}
