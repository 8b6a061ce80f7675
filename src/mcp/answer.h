#pragma once
/*
 * answer.h - what goes out: the one place that writes results, errors and notifications, and
 * that maps struct err outward.
 *
 * Everything a tool meets is a result with isError and the sentence of the err; a JSON-RPC error
 * is for what the client program did wrong.
 *
 * Process: supervisor. Pure.
 * Memory:  json_t * returned is the caller's. Never NULL: no memory for a small object is a bug.
 * Errors:  a writer returns false when the message is too large or cannot be encoded; out is
 *          then as it was.
 */
#include "base/buf.h"
#include "base/err.h"
#include "mcp/era.h"

#define ANSWER_MAX        (8 * 1024 * 1024) /* bytes a message; clients give up at 10 MB lines */
#define ANSWER_TTL_MS     300000            /* how long a client may keep a cacheable result */
#define ANSWER_META_ERROR "mcp-ssh-session/error"

enum answer_kind { ANSWER_PLAIN, ANSWER_CACHEABLE };

/* Adds what the era demands of every result. */
void answer_finish(json_t *result, enum era era, enum answer_kind kind);

/*
 * One message without its newline, for which room is left. id NULL: left out, because it could
 * not be read.
 */
bool answer_write_result(struct buf *out, const json_t *id, const json_t *finished_result);
bool answer_write_ready(struct buf *out, const json_t *id, struct str finished_text);
bool answer_write_error(struct buf *out, const json_t *id, const struct rpc_fault *fault);
bool answer_write_notification(struct buf *out, const char *method, const json_t *params);

bool answer_dump(struct buf *out, const json_t *value); /* compact */

/* {"name","title","version"} of this program. */
json_t *answer_server_info(void);

/* Any bytes as a JSON string: what is no UTF-8 becomes U+FFFD. */
json_t *answer_string(const void *bytes, size_t len);

/* A tool's result: one text block. */
json_t *answer_tool_text(struct str text, bool is_error);

/* "Error: …", isError, and the code's name in _meta. */
json_t *answer_tool_failure(const struct err *err);

/* Sets result._meta[key]; value is taken. */
void answer_set_meta(json_t *result, const char *key, json_t **value);
