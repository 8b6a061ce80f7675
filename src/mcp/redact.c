#include "mcp/redact.h"

#include "base/scoped.h"
#include "base/utf8.h"
#include "mcp/answer.h"

#include <string.h>

/* Of structuredContent and _meta: never from outside. */
static const char *const ours[] = { "command_id", "state", "awaiting", "started", "ended", "code",
                                   "waited_for" };

static bool is_ours(const char *key)
{
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
                if (strcmp(key, ours[i]) == 0)
                        return true;
        return false;
}

static void redact_string(const struct redact *redact, json_t *string)
{
        struct str text = { json_string_value(string), json_string_length(string) };
        scoped_buf struct buf out;

        buf_init(&out, ANSWER_MAX);
        if (!redact->redact(redact->arg, text, &out))
                return;
        json_t *repaired =
                answer_string(out.data, out.len); /* a secret may have been half a character */
        (void)json_string_setn(string, json_string_value(repaired), json_string_length(repaired));
        json_decref(repaired);
}

static void redact_value(const struct redact *redact, json_t *value);

static void redact_members(const struct redact *redact, json_t *object)
{
        for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at))
                if (!is_ours(json_object_iter_key(at)))
                        redact_value(redact, json_object_iter_value(at));
}

static void redact_value(const struct redact *redact, json_t *value)
{
        if (json_is_string(value))
                redact_string(redact, value);
        for (size_t i = 0; i < json_array_size(value); i++) /* 0: not an array */
                redact_value(redact, json_array_get(value, i));
        if (json_is_object(value))
                redact_members(redact, value);
}

void redact_member(const struct redact *redact, json_t *object, const char *key)
{
        if (redact->redact != NULL)
                redact_value(redact, json_object_get(object, key));
}

void redact_result(const struct redact *redact, json_t *result)
{
        const json_t *content = json_object_get(result, "content");

        for (size_t i = 0; i < json_array_size(content); i++)
                redact_member(redact, json_array_get(content, i), "text");
        redact_member(redact, result, "structuredContent");
        redact_member(redact, result, "_meta");
}

void redact_in_place(const struct redact *redact, char *text, size_t size)
{
        scoped_buf struct buf out;

        buf_init(&out, size * 3); /* four characters become ten at most */
        if (redact->redact == NULL || !redact->redact(redact->arg, str_of(text), &out))
                return;
        size_t len = out.len < size ? out.len : utf8_cut((const char *)out.data, size - 1);
        memcpy(text, out.data, len);
        text[len] = '\0';
}
