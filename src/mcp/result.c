#include "mcp/result.h"

#include "base/scoped.h"
#include "mcp/answer.h"

#include <string.h>

static json_t *string_or_null(const char *text)
{
        return text != NULL ? answer_string(text, strlen(text)) : json_null();
}

static json_t *facts_of(const struct command_info *info, const struct text_shown *shown)
{
        bool is_awaiting = info->state == COMMAND_AWAITING;
        json_t *facts = json_pack(
                "{s:s,s:s,s:o,s:o,s:I,s:I,s:b,s:o,s:o,s:o,s:I,s:b,s:I,s:I}",
                "command_id", info->name,
                "state", command_state_name(info->state),
                "exit_status", info->status_known ? json_integer(info->exit_status) : json_null(),
                "signal", string_or_null(info->signal),
                "duration_ms", (json_int_t)info->duration_ms,
                "output_bytes", (json_int_t)output_total(info->out),
                "truncated", shown != NULL && shown->is_cut,
                "session", string_or_null(info->session),
                "cwd", string_or_null(info->cwd),
                "awaiting", string_or_null(is_awaiting ? wire_awaiting_name(info->awaiting) : NULL),
                "next_offset", (json_int_t)(shown != NULL ? shown->out.next : 0),
                "started", info->new_shell,
                "partial_bytes", (json_int_t)(shown != NULL ? shown->out.partial : 0),
                "redactions", (json_int_t)info->redactions);

        if (info->err != NULL)
                (void)json_object_set_new(facts, "stderr_bytes",
                                          json_integer((json_int_t)output_total(info->err)));
        return facts;
}

json_t *result_with_facts(struct str text, bool is_error, const struct command_info *info,
                          const struct text_shown *shown)
{
        json_t *result = answer_tool_text(text, is_error);
        json_t *facts = facts_of(info, shown);

        answer_set_meta(result, RESULT_META_COMMAND, &facts);
        if (info->error.code != ERR_NONE) {
                json_t *code = json_pack("{s:s}", "code", err_code_name(info->error.code));

                answer_set_meta(result, ANSWER_META_ERROR, &code);
        }
        return result;
}

json_t *result_of_run(const struct command_info *info, int64_t timeout_s,
                      const struct text_view *view)
{
        scoped_buf struct buf text;
        struct text_shown shown = { 0 };

        buf_init(&text, TEXT_MAX);
        if (command_state_is_final(info->state))
                text_write_done(&text, info, view, &shown);
        else if (info->state == COMMAND_AWAITING)
                text_write_awaiting(&text, info, view, &shown);
        else
                text_write_running(&text, info, timeout_s, view, &shown);
        bool is_error = info->state == COMMAND_FAILED || info->state == COMMAND_LOST;
        return result_with_facts(buf_str(&text), is_error, info, &shown);
}

json_t *result_of_status(const struct command_info *info, const struct text_view *view)
{
        scoped_buf struct buf text;
        struct text_shown shown = { 0 };

        buf_init(&text, TEXT_MAX);
        text_write_status(&text, info, view, &shown);
        return result_with_facts(buf_str(&text), false, info, &shown);
}

json_t *result_of_input(const struct command_info *info, const struct text_view *view)
{
        scoped_buf struct buf text;
        struct text_shown shown = { 0 };

        buf_init(&text, TEXT_MAX);
        text_write_input(&text, info, view, &shown);
        return result_with_facts(buf_str(&text), false, info, &shown);
}

json_t *result_of_start(const struct command_info *info)
{
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        (void)buf_printf(&text,
                         "Command started with ID: %s\n\n"
                         "Use get_command_status('%s', wait_s=30) to check progress.\n",
                         info->name, info->name);
        return result_with_facts(buf_str(&text), false, info, NULL);
}

json_t *result_of_busy(const struct command_info *holder)
{
        scoped_buf struct buf text;

        buf_init(&text, TEXT_MAX);
        text_write_busy(&text, holder);
        json_t *result = answer_tool_text(buf_str(&text), true);
        json_t *code = json_pack("{s:s,s:s}", "code", err_code_name(ERR_STATE), "command_id",
                                 holder->name);
        answer_set_meta(result, ANSWER_META_ERROR, &code);
        return result;
}
