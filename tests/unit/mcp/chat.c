#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/chat.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/scoped.h"

#include <stdlib.h>
#include <string.h>

#define TURN_MS 50

char *chat_quote(const char *text)
{
        char *quoted = xstrdup(text);

        for (char *at = quoted; *at != '\0'; at++)
                if (*at == '\'')
                        *at = '"';
        return quoted;
}

static void on_send(void *arg, const char *line, size_t len)
{
        struct chat *chat = arg;

        assert_true(len > 0 && line[len - 1] == '\n');
        assert_null(memchr(line, '\n', len - 1)); /* one line is one message */
        assert_true(chat->count < CHAT_LINES_MAX);
        json_t *value = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        chat->lines[chat->count++] = value;
}

void chat_open(struct chat *chat)
{
        struct mcp_peer peer = { on_send, chat };
        struct err err;

        *chat = (struct chat){ .now_ms = 1000 };
        clock_fake_ms(chat->now_ms);
        chat->engine = fake_engine_new();
        assert_true(mcp_new(&chat->mcp, chat->engine, INLINE_SECRETS_ALLOWED, &err));
        chat->client = mcp_client_new(chat->mcp, &peer);
}

void chat_close(struct chat *chat)
{
        mcp_client_free(chat->client);
        assert_int_equal(fake_waits(chat->engine), 0); /* nobody waits for a client that is gone */
        mcp_free(chat->mcp);
        engine_free(chat->engine);
        clock_fake_ms(-1);
        assert_int_equal(chat->taken, chat->count);
        for (size_t i = 0; i < chat->count; i++)
                json_decref(chat->lines[i]);
}

void chat_say_raw(struct chat *chat, const char *bytes, size_t len)
{
        char *exact = malloc(len > 0 ? len : 1); /* so that ASan sees a read beyond it */

        assert_non_null(exact);
        memcpy(exact, bytes, len);
        mcp_client_on_line(chat->client, exact, len);
        free(exact);
}

void chat_say(struct chat *chat, const char *text)
{
        scoped_free char *quoted = chat_quote(text);

        chat_say_raw(chat, quoted, strlen(quoted));
}

void chat_pass(struct chat *chat, int64_t ms)
{
        for (int64_t end = chat->now_ms + ms; chat->now_ms < end;) {
                chat->now_ms += end - chat->now_ms < TURN_MS ? end - chat->now_ms : TURN_MS;
                clock_fake_ms(chat->now_ms);
                fake_turn(chat->engine);
        }
}

json_t *chat_hear(struct chat *chat)
{
        if (chat->taken == chat->count)
                fail_msg("no answer came");
        return chat->lines[chat->taken++];
}

void chat_hear_nothing(struct chat *chat)
{
        if (chat->taken < chat->count) {
                scoped_free char *text = json_dumps(chat->lines[chat->taken], JSON_COMPACT);

                fail_msg("unexpected: %s", text);
        }
}

void chat_expect(struct chat *chat, const char *text)
{
        scoped_free char *quoted = chat_quote(text);
        json_t *wanted = json_loads(quoted, 0, NULL);
        const json_t *got = chat_hear(chat);

        assert_non_null(wanted);
        if (!json_equal(got, wanted)) {
                scoped_free char *is = json_dumps(got, JSON_COMPACT);

                fail_msg("got %s, not %s", is, quoted);
        }
        json_decref(wanted);
}

void chat_expect_error(struct chat *chat, int code, const char *id)
{
        const json_t *got = chat_hear(chat);
        const json_t *error = json_object_get(got, "error");
        scoped_free char *is = json_dumps(json_object_get(got, "id"), JSON_ENCODE_ANY);

        assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
        assert_true(json_string_length(json_object_get(error, "message")) > 0);
        if (id == NULL)
                assert_null(json_object_get(got, "id"));
        else
                assert_string_equal(is, id);
}

json_t *chat_call(struct chat *chat, const char *tool, const char *arguments)
{
        scoped_free char *text = xasprintf("{'jsonrpc':'2.0','id':'call','method':'tools/call',"
                                           "'params':{'name':'%s','arguments':%s}}",
                                           tool, arguments);

        chat_say(chat, text);
        fake_turn(chat->engine);
        json_t *result = json_object_get(chat_hear(chat), "result");
        assert_non_null(result);
        return result;
}

const char *chat_text(const json_t *result)
{
        const json_t *content = json_object_get(result, "content");

        assert_int_equal(json_array_size(content), 1);
        return json_string_value(json_object_get(json_array_get(content, 0), "text"));
}

const json_t *chat_fact(const json_t *result, const char *name)
{
        const json_t *facts = json_object_get(json_object_get(result, "_meta"),
                                              "mcp-ssh-session/command");
        const json_t *fact = json_object_get(facts, name);

        assert_non_null(fact);
        return fact;
}

bool chat_is_error(const json_t *result)
{
        return json_is_true(json_object_get(result, "isError"));
}
