#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/requests.h"

#include "base/scoped.h"

#include <stdlib.h>
#include <string.h>

struct peer {
        struct buf text; /* all that was sent */
        unsigned lines;
};

static void on_send(void *arg, const char *line, size_t len)
{
        struct peer *peer = arg;

        assert_true(line[len - 1] == '\n');
        buf_reset(&peer->text);
        assert_true(buf_append(&peer->text, line, len));
        peer->lines++;
}

static struct requests *open_requests(struct peer *peer)
{
        *peer = (struct peer){ 0 };
        buf_init(&peer->text, (size_t)64 * 1024 * 1024);
        return requests_new(on_send, peer);
}

static request_id add(struct requests *requests, json_int_t client_id, enum era era)
{
        struct rpc_fault fault = { 0 };
        json_t *id = json_integer(client_id);
        request_id added = { 0 };

        assert_true(requests_add(requests, id, era, &added, &fault));
        json_decref(id);
        return added;
}

static json_t *text_result(size_t len)
{
        char *text = malloc(len + 1);

        assert_non_null(text);
        memset(text, 'x', len);
        text[len] = '\0';
        json_t *result = json_pack("{s:s}", "text", text);
        free(text);
        return result;
}

static void one_answer_and_no_second(void **state)
{
        struct peer peer;
        struct requests *requests = open_requests(&peer);
        struct rpc_fault fault = { .code = RPC_INTERNAL_ERROR, .text = "late" };
        request_id id = add(requests, 1, ERA_LEGACY);
        json_t *result = json_object();

        (void)state;
        assert_true(requests_reply(requests, id, ANSWER_PLAIN, &result));
        assert_null(result);
        assert_string_equal((char *)peer.text.data, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
        result = json_object();
        assert_false(requests_reply(requests, id, ANSWER_PLAIN, &result));
        assert_null(result);
        assert_false(requests_reply_ready(requests, id, str_of("{}")));
        assert_false(requests_fail(requests, id, &fault));
        requests_cancel(requests, id);
        assert_int_equal(peer.lines, 1);
        requests_free(requests);
        buf_fini(&peer.text);
}

static void nothing_after_a_cancel(void **state)
{
        struct peer peer;
        struct requests *requests = open_requests(&peer);
        request_id id = add(requests, 1, ERA_MODERN);
        json_t *params = json_object();
        json_t *result = json_object();

        (void)state;
        requests_notify(requests, id, "notifications/progress", params);
        assert_int_equal(peer.lines, 1);
        requests_cancel(requests, id);
        requests_notify(requests, id, "notifications/progress", params);
        assert_false(requests_reply(requests, id, ANSWER_PLAIN, &result));
        assert_int_equal(peer.lines, 1);
        json_decref(params);
        requests_free(requests);
        buf_fini(&peer.text);
}

static void an_answer_that_is_too_large_becomes_an_error(void **state)
{
        struct peer peer;
        struct requests *requests = open_requests(&peer);

        (void)state;
        /* around the exact limit: the newline has to fit, too */
        for (size_t less = 44; less < 48; less++) {
                request_id id = add(requests, 1, ERA_LEGACY);
                json_t *result = text_result(ANSWER_MAX - less);

                assert_true(requests_reply(requests, id, ANSWER_PLAIN, &result));
                assert_true(peer.text.len <= ANSWER_MAX);
        }
        assert_int_equal(peer.lines, 4);
        assert_int_equal(peer.text.len, ANSWER_MAX - 47 + 45 + 1);
        requests_free(requests);
        buf_fini(&peer.text);
}

static void a_batch_of_large_answers_is_bounded(void **state)
{
        struct peer peer;
        struct requests *requests = open_requests(&peer);
        request_id ids[REQUESTS_BATCH_MAX];

        (void)state;
        requests_batch_begin(requests);
        for (int i = 0; i < REQUESTS_BATCH_MAX; i++)
                ids[i] = add(requests, i, ERA_LEGACY);
        requests_batch_end(requests);
        for (int i = 0; i < REQUESTS_BATCH_MAX; i++) {
                json_t *result = text_result((size_t)600 * 1024);

                assert_int_equal(peer.lines, 0);
                assert_true(requests_reply(requests, ids[i], ANSWER_PLAIN, &result));
        }
        assert_int_equal(peer.lines, 1);
        json_t *all = json_loadb((char *)peer.text.data, peer.text.len, 0, NULL);
        assert_int_equal(json_array_size(all), REQUESTS_BATCH_MAX);
        json_decref(all);
        requests_free(requests);
        buf_fini(&peer.text);
}

static void the_table_has_an_end(void **state)
{
        struct peer peer;
        struct requests *requests = open_requests(&peer);
        struct rpc_fault fault = { 0 };
        json_t *id = json_string("one more");
        request_id added;

        (void)state;
        for (int i = 0; i < REQUESTS_MAX; i++)
                (void)add(requests, i, ERA_LEGACY);
        assert_false(requests_add(requests, id, ERA_LEGACY, &added, &fault));
        assert_int_equal(fault.code, RPC_INTERNAL_ERROR);
        json_decref(id);
        requests_free(requests);
        assert_int_equal(peer.lines, 0);
        buf_fini(&peer.text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_answer_and_no_second),
                cmocka_unit_test(nothing_after_a_cancel),
                cmocka_unit_test(an_answer_that_is_too_large_becomes_an_error),
                cmocka_unit_test(a_batch_of_large_answers_is_bounded),
                cmocka_unit_test(the_table_has_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
