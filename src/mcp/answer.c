#include "mcp/answer.h"

#include "base/log.h"
#include "base/scoped.h"
#include "base/utf8.h"

#include <string.h>

static int append_piece(const char *bytes, size_t len, void *arg)
{
        return buf_append(arg, bytes, len) ? 0 : -1;
}

bool answer_dump(struct buf *out, const json_t *value)
{
        return json_dump_callback(value, append_piece, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

json_t *answer_server_info(void)
{
        return json_pack("{s:s,s:s,s:s}", "name", "mcp-ssh-session", "title", "SSH sessions",
                         "version", PROGRAM_VERSION);
}

void answer_set_meta(json_t *result, const char *key, json_t **value)
{
        json_t *meta = json_object_get(result, "_meta");

        if (meta == NULL) {
                meta = json_object();
                (void)json_object_set_new(result, "_meta", meta);
        }
        if (json_object_set_new(meta, key, *value) != 0)
                bug("no memory for _meta");
        *value = NULL;
}

void answer_finish(json_t *result, enum era era, enum answer_kind kind)
{
        if (era == ERA_LEGACY)
                return;
        json_t *info = answer_server_info();

        answer_set_meta(result, ERA_META_SERVER_INFO, &info);
        (void)json_object_set_new(result, "resultType", json_string("complete"));
        if (kind == ANSWER_CACHEABLE) {
                (void)json_object_set_new(result, "ttlMs", json_integer(ANSWER_TTL_MS));
                (void)json_object_set_new(result, "cacheScope", json_string("public"));
        }
}

static bool write_head(struct buf *out, const json_t *id, const char *member)
{
        return buf_append_str(out, "{\"jsonrpc\":\"2.0\"")
               && (id == NULL || (buf_append_str(out, ",\"id\":") && answer_dump(out, id)))
               && buf_append_str(out, member);
}

/* Leaves out as it was unless all of it was written and a newline fits behind it. */
static bool finish_message(struct buf *out, size_t start, bool is_whole)
{
        if (is_whole && buf_append_byte(out, '}') && buf_reserve(out, 1))
                return true;
        out->len = start;
        return false;
}

bool answer_write_result(struct buf *out, const json_t *id, const json_t *finished_result)
{
        size_t start = out->len;

        return finish_message(out, start, write_head(out, id, ",\"result\":")
                                                  && answer_dump(out, finished_result));
}

bool answer_write_ready(struct buf *out, const json_t *id, struct str finished_text)
{
        size_t start = out->len;

        return finish_message(out, start,
                              write_head(out, id, ",\"result\":")
                                      && buf_append(out, finished_text.ptr, finished_text.len));
}

bool answer_write_error(struct buf *out, const json_t *id, const struct rpc_fault *fault)
{
        size_t start = out->len;
        json_t *error = json_pack("{s:i,s:o}", "code", (int)fault->code, "message",
                                  answer_string(fault->text, strlen(fault->text)));

        if (fault->data != NULL)
                (void)json_object_set(error, "data", fault->data);
        bool is_whole = write_head(out, id, ",\"error\":") && answer_dump(out, error);
        json_decref(error);
        return finish_message(out, start, is_whole);
}

bool answer_write_notification(struct buf *out, const char *method, const json_t *params)
{
        size_t start = out->len;

        return finish_message(out, start, buf_append_str(out, "{\"jsonrpc\":\"2.0\",\"method\":\"")
                                                  && buf_append_str(out, method)
                                                  && buf_append_str(out, "\",\"params\":")
                                                  && answer_dump(out, params));
}

json_t *answer_string(const void *bytes, size_t len)
{
        json_t *string = json_stringn(len > 0 ? bytes : "", len);

        if (string != NULL)
                return string;
        scoped_buf struct buf repaired;
        buf_init(&repaired, ANSWER_MAX);
        (void)str_utf8_repair(&repaired, bytes, len); /* what does not fit is cut */
        string = json_stringn((const char *)repaired.data, repaired.len);
        if (string == NULL)
                bug("no memory for a string of %zu bytes", len);
        return string;
}

json_t *answer_tool_text(struct str text, bool is_error)
{
        json_t *result = json_pack("{s:[{s:s,s:o}]}", "content", "type", "text", "text",
                                   answer_string(text.ptr, text.len));

        if (is_error)
                (void)json_object_set_new(result, "isError", json_true());
        return result;
}

json_t *answer_tool_failure(const struct err *err)
{
        char text[ERR_TEXT_MAX + sizeof "Error: "] = "Error: ";

        strncat(text, err->text, ERR_TEXT_MAX);
        json_t *result = answer_tool_text(str_of(text), true);
        json_t *code = json_pack("{s:s}", "code", err_code_name(err->code));
        answer_set_meta(result, ANSWER_META_ERROR, &code);
        return result;
}
