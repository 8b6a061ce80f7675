#include "mcp/requests.h"

#include "base/alloc.h"
#include "base/idmap.h"
#include "base/list.h"
#include "base/log.h"

#include <stdlib.h>

#define LINE_KEEP (256 * 1024) /* bytes of memory kept from one answer to the next */
#define BATCH_MAX (32 * 1024 * 1024) /* bytes; an answer that does not fit becomes an error */
#define ERROR_MAX (8 * 1024) /* bytes; no error is longer, see RPC_ID_MAX and RPC_TEXT_MAX */
#define BATCH_SPARE (REQUESTS_BATCH_MAX * ERROR_MAX) /* bytes kept for such errors */

struct batch {
        struct list_node node;
        struct buf text; /* the answers so far, as an array without its end */
        unsigned open;   /* requests not answered yet */
        bool is_sealed;  /* no more will be added */
};

struct request {
        struct list_node node;
        request_id id;
        json_t *client_id;
        enum era era;
        struct batch *batch; /* owned by the table; NULL: none */
};

struct requests {
        requests_send *send;
        struct redact redact;
        void *arg;
        struct list_node all;
        struct idmap by_id;
        struct list_node batches;
        struct batch *adding_to; /* NULL: not inside a batch */
        struct buf line;
};

struct requests *requests_new(requests_send *send, void *arg)
{
        struct requests *requests = xcalloc(1, sizeof *requests);

        requests->send = send;
        requests->arg = arg;
        list_init(&requests->all);
        list_init(&requests->batches);
        idmap_init(&requests->by_id);
        buf_init(&requests->line, ANSWER_MAX);
        return requests;
}

void requests_set_redact(struct requests *requests, const struct redact *redact)
{
        requests->redact = *redact;
}

static void batch_free(struct batch *batch)
{
        list_remove(&batch->node);
        buf_fini(&batch->text);
        free(batch);
}

static void forget(struct requests *requests, struct request *request)
{
        idmap_remove(&requests->by_id, request->id.n);
        list_remove(&request->node);
        json_decref(request->client_id);
        free(request);
}

void requests_free(struct requests *requests)
{
        if (requests == NULL)
                return;
        list_each(at, &requests->all)
                forget(requests, list_entry(at, struct request, node));
        list_each(at, &requests->batches)
                batch_free(list_entry(at, struct batch, node));
        idmap_fini(&requests->by_id);
        buf_fini(&requests->line);
        free(requests);
}

/* ---- out ---- */

static void send_line(struct requests *requests)
{
        if (!buf_append_byte(&requests->line, '\n'))
                bug("an answer of %zu bytes leaves no room for its newline", requests->line.len);
        requests->send(requests->arg, (const char *)requests->line.data, requests->line.len);
        if (requests->line.cap > LINE_KEEP)
                buf_fini(&requests->line);
        else
                buf_reset(&requests->line);
}

static void batch_maybe_send(struct requests *requests, struct batch *batch)
{
        if (!batch->is_sealed || batch->open > 0)
                return;
        if (batch->text.len > 0) { /* else only notifications: no answer */
                if (!buf_append_str(&batch->text, "]\n"))
                        bug("a batch of %zu bytes leaves no room for its end", batch->text.len);
                requests->send(requests->arg, (const char *)batch->text.data, batch->text.len);
        }
        batch_free(batch);
}

static bool batch_append(struct batch *batch, const struct buf *message)
{
        size_t room = batch->text.max - batch->text.len;

        if (message->len > ERROR_MAX && message->len > room - BATCH_SPARE)
                return false;
        return buf_append_byte(&batch->text, batch->text.len == 0 ? '[' : ',')
               && buf_append(&batch->text, message->data, message->len);
}

/* requests->line holds the message, or is empty when it could not be written. */
static void deliver(struct requests *requests, struct batch *batch, const json_t *client_id)
{
        struct rpc_fault fault = { .code = RPC_INTERNAL_ERROR, .text = "The answer is too large" };

        if (batch == NULL) {
                if (requests->line.len > 0
                    || answer_write_error(&requests->line, client_id, &fault))
                        send_line(requests);
                return;
        }
        if (requests->line.len == 0 || !batch_append(batch, &requests->line)) {
                buf_reset(&requests->line);
                if (answer_write_error(&requests->line, client_id, &fault))
                        (void)batch_append(batch, &requests->line); /* BATCH_SPARE is for this */
        }
        buf_reset(&requests->line);
}

static struct request *find(struct requests *requests, request_id id)
{
        return idmap_find(&requests->by_id, id.n);
}

/* After the message was put into requests->line. */
static void finish(struct requests *requests, struct request *request)
{
        struct batch *batch = request->batch;

        deliver(requests, batch, request->client_id);
        forget(requests, request);
        if (batch != NULL) {
                batch->open--;
                batch_maybe_send(requests, batch);
        }
}

/* ---- the table ---- */

request_id requests_find(const struct requests *requests, const json_t *client_id)
{
        list_each(at, &requests->all) {
                const struct request *request = list_entry(at, struct request, node);

                if (rpc_ids_equal(request->client_id, client_id))
                        return request->id;
        }
        return (request_id){ 0 };
}

bool requests_add(struct requests *requests, json_t *client_id, enum era era,
                  request_id *out_id, struct rpc_fault *fault)
{
        if (requests_find(requests, client_id).n != 0)
                return rpc_fault_set(fault, RPC_INVALID_REQUEST,
                                     "A request with this id is still in flight");
        if (requests->by_id.count >= REQUESTS_MAX)
                return rpc_fault_set(fault, RPC_INTERNAL_ERROR,
                                     "More than %d requests in flight; wait for an answer first",
                                     REQUESTS_MAX);

        struct request *request = xcalloc(1, sizeof *request);
        request->client_id = json_incref(client_id);
        request->era = era;
        request->batch = requests->adding_to;
        if (request->batch != NULL)
                request->batch->open++;
        request->id.n = idmap_add(&requests->by_id, request);
        list_append(&requests->all, &request->node);
        *out_id = request->id;
        return true;
}

bool requests_reply(struct requests *requests, request_id id, enum answer_kind kind,
                    json_t **result)
{
        struct request *request = find(requests, id);

        if (request != NULL) {
                redact_result(&requests->redact, *result);
                answer_finish(*result, request->era, kind);
                (void)answer_write_result(&requests->line, request->client_id, *result);
                finish(requests, request);
        }
        json_decref(*result);
        *result = NULL;
        return request != NULL;
}

bool requests_reply_ready(struct requests *requests, request_id id, struct str finished_text)
{
        struct request *request = find(requests, id);

        if (request == NULL)
                return false;
        (void)answer_write_ready(&requests->line, request->client_id, finished_text);
        finish(requests, request);
        return true;
}

bool requests_fail(struct requests *requests, request_id id, struct rpc_fault *fault)
{
        struct request *request = find(requests, id);

        if (request == NULL)
                return false;
        redact_in_place(&requests->redact, fault->text, sizeof fault->text);
        (void)answer_write_error(&requests->line, request->client_id, fault);
        finish(requests, request);
        return true;
}

void requests_cancel(struct requests *requests, request_id id)
{
        struct request *request = find(requests, id);

        if (request == NULL)
                return;
        struct batch *batch = request->batch;
        forget(requests, request);
        if (batch != NULL) {
                batch->open--;
                batch_maybe_send(requests, batch);
        }
}

void requests_notify(struct requests *requests, request_id id, const char *method,
                     json_t *params)
{
        redact_member(&requests->redact, params, "message");
        if (find(requests, id) != NULL
            && answer_write_notification(&requests->line, method, params))
                send_line(requests);
}

void requests_refuse(struct requests *requests, const json_t *client_id,
                     struct rpc_fault *fault)
{
        redact_in_place(&requests->redact, fault->text, sizeof fault->text);
        (void)answer_write_error(&requests->line, client_id, fault);
        deliver(requests, requests->adding_to, client_id);
}

void requests_batch_begin(struct requests *requests)
{
        struct batch *batch = xcalloc(1, sizeof *batch);

        buf_init(&batch->text, BATCH_MAX);
        list_append(&requests->batches, &batch->node);
        requests->adding_to = batch;
}

void requests_batch_end(struct requests *requests)
{
        struct batch *batch = requests->adding_to;

        requests->adding_to = NULL;
        batch->is_sealed = true;
        batch_maybe_send(requests, batch);
}
