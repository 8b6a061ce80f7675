#pragma once
/*
 * requests.h - what a client has asked and not been answered yet. Each request is answered
 * exactly once, or cancelled and never.
 *
 * The only way to a client's transport: everything that goes out passes through here.
 *
 * Process: supervisor. One table for each client.
 * Memory:  the table owns its requests; everyone else holds a request_id.
 * Errors:  false from requests_reply() and its like: answered or cancelled already, which is
 *          no fault; the result is freed all the same.
 */
#include "mcp/answer.h"
#include "mcp/redact.h"

#include <stdint.h>

#define REQUESTS_MAX  512 /* in flight for one client; one more is answered with an error */
#define REQUESTS_BATCH_MAX 64 /* messages in a batch; a longer one is refused whole */

typedef struct { uint64_t n; } request_id; /* n 0: none; never reused */

struct requests;

/* line ends with its newline; borrowed for the call. */
typedef void requests_send(void *arg, const char *line, size_t len);

struct requests *requests_new(requests_send *send, void *arg);
void requests_set_redact(struct requests *requests, const struct redact *redact); /* of all texts */
void requests_free(struct requests *requests); /* unanswered ones are forgotten; NULL is fine */

/* client_id is shared with the message. Fails for an id that is in flight, and when full. */
bool requests_add(struct requests *requests, json_t *client_id, enum era era,
                  request_id *out_id, struct rpc_fault *fault);

/* *result is taken; the era's members are added here. */
bool requests_reply(struct requests *requests, request_id id, enum answer_kind kind,
                    json_t **result);
bool requests_reply_ready(struct requests *requests, request_id id, struct str finished_text);
bool requests_fail(struct requests *requests, request_id id, struct rpc_fault *fault);

/* Forgets it: later replies return false. */
void requests_cancel(struct requests *requests, request_id id);

request_id requests_find(const struct requests *requests, const json_t *client_id);

/* A notification that belongs to a request in flight (progress); dropped when it is not. */
void requests_notify(struct requests *requests, request_id id, const char *method,
                     json_t *params);

/* An error for what never became a request. client_id may be NULL. */
void requests_refuse(struct requests *requests, const json_t *client_id,
                     struct rpc_fault *fault);

/*
 * Between begin and end, requests added and refused belong to one batch: their answers go out
 * together, as one array, when the last of them is answered or cancelled.
 */
void requests_batch_begin(struct requests *requests);
void requests_batch_end(struct requests *requests);
