#pragma once
/*
 * rpc.h - one JSON-RPC message: from bytes to what kind of message it is.
 *
 * Process: supervisor. Pure.
 * Memory:  the parsed value is the caller's; a classified message borrows from it.
 * Errors:  false and *fault, which says what goes into the answer.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RPC_DEPTH_MAX 64 /* nested arrays and objects; a deeper message is refused unparsed */
#define RPC_ID_MAX    1024 /* bytes of a string id; it is echoed in every answer */
#define RPC_TEXT_MAX  240  /* bytes of an error's text with the NUL; a longer one is cut */

enum rpc_code {
        RPC_PARSE_ERROR = -32700,
        RPC_INVALID_REQUEST = -32600,
        RPC_METHOD_NOT_FOUND = -32601,
        RPC_INVALID_PARAMS = -32602,
        RPC_INTERNAL_ERROR = -32603,
        RPC_UNSUPPORTED_VERSION = -32022,
};

/* What a JSON-RPC error says. Zeroed memory is none. */
struct rpc_fault {
        enum rpc_code code;
        char text[RPC_TEXT_MAX]; /* valid UTF-8 */
        json_t *data;            /* owned; NULL: none */
};

/* Both return false always. data is taken; may be NULL. */
bool rpc_fault_set(struct rpc_fault *fault, enum rpc_code code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
bool rpc_fault_set_data(struct rpc_fault *fault, enum rpc_code code, const char *text,
                        json_t **data);
void rpc_fault_fini(struct rpc_fault *fault);

enum rpc_kind {
        RPC_REQUEST,
        RPC_NOTIFICATION,
        RPC_RESPONSE, /* to a request of ours */
};

struct rpc_message {
        enum rpc_kind kind;
        json_t *id;         /* string or whole number; NULL in a notification */
        const char *method; /* NULL in a response */
        json_t *params;     /* an object, or NULL */
};

/* Any JSON text; strings may hold U+0000. Nothing is kept of bytes. */
bool rpc_parse(const char *bytes, size_t len, json_t **out_value, struct rpc_fault *fault);

/*
 * When it fails, out_message->id is the id the answer should carry, or NULL if there is none to
 * be read.
 */
bool rpc_classify(json_t *value, struct rpc_message *out_message, struct rpc_fault *fault);

/* String or whole number: a valid id, a valid progress token. NULL is not. */
bool rpc_is_id(const json_t *value);

/* "1" and 1 differ. */
bool rpc_ids_equal(const json_t *a, const json_t *b);
