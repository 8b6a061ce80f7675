/*
 * A line becomes a value (rpc), a message of an era (era), an entry in the table of requests
 * (requests), and is served by one row of `methods`, which answers at once or starts a call.
 *
 * A client has no era: each message is judged alone. What a legacy client negotiated is kept
 * only because one of the legacy revisions has batches.
 */
#include "mcp/server.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/secret.h"
#include "mcp/call.h"
#include "mcp/era.h"
#include "mcp/requests.h"
#include "mcp/schema.h"

#ifdef __APPLE__
#include <malloc/malloc.h>
#define malloc_usable_size malloc_size
#else
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

#define ERAS 2

struct mcp {
        struct engine *engine; /* not ours */
        enum inline_secrets inline_secrets;
        struct buf tools_list[ERAS]; /* the result of tools/list, ready to send */
};

struct mcp_client {
        struct mcp *mcp; /* not ours: outlives its clients */
        struct mcp_peer peer;
        struct requests *requests;
        struct list_node calls;
        const char *legacy_version; /* constant; NULL: no initialize yet */
};

static const char instructions[] =
        "Runs commands on other machines over SSH, in shells that persist: directory, variables "
        "and background jobs carry over from one execute_command to the next of the same host. "
        "host is a name, an ssh_config alias or user@host:port. A command that outlives its "
        "timeout goes on and is never killed: get_command_status(id, wait_s=30) waits for more, "
        "read_output reads all of it, interrupt_command_by_id stops it. A result that says "
        "'paused waiting' needs send_input. Exit Status is what the host reported; 'unknown' "
        "means that nobody knows.\n\n"
        "One shell runs one command at a time: use session=\"name\" for a second shell on the "
        "same connection, or isolated=true for a command of its own with separate stderr. "
        "sudo -i, su, docker exec -it and the like open a nested shell: the next "
        "execute_command of that session runs inside it until it exits. Output is cut in the "
        "middle at max_chars; the rest is one read_output away, also with grep and tail. "
        "Prefer keys or an agent; do not ask the user for passwords in chat.";

/* ---- methods ---- */

struct served {
        struct mcp_client *client;
        request_id id;
        enum era era;
        const json_t *params; /* may be NULL */
};

static void fail(const struct served *served, enum rpc_code code, const char *text)
{
        struct rpc_fault fault = { 0 };

        (void)rpc_fault_set(&fault, code, "%s", text);
        (void)requests_fail(served->client->requests, served->id, &fault);
}

static void serve_initialize(const struct served *served)
{
        const char *requested =
                json_string_value(json_object_get(served->params, "protocolVersion"));

        if (requested == NULL) {
                fail(served, RPC_INVALID_PARAMS, "initialize needs a string protocolVersion");
                return;
        }
        const char *version = era_negotiate(requested);
        json_t *result = json_pack("{s:s,s:{s:{}},s:o,s:s}", "protocolVersion", version,
                                   "capabilities", "tools", "serverInfo", answer_server_info(),
                                   "instructions", instructions);
        served->client->legacy_version = version;
        (void)requests_reply(served->client->requests, served->id, ANSWER_PLAIN, &result);
}

static void serve_ping(const struct served *served)
{
        json_t *result = json_object();

        (void)requests_reply(served->client->requests, served->id, ANSWER_PLAIN, &result);
}

static void serve_discover(const struct served *served)
{
        json_t *result = json_pack("{s:[s],s:{s:{}},s:s}", "supportedVersions",
                                   ERA_MODERN_VERSION, "capabilities", "tools", "instructions",
                                   instructions);

        (void)requests_reply(served->client->requests, served->id, ANSWER_CACHEABLE, &result);
}

static void serve_tools_list(const struct served *served)
{
        const json_t *cursor = json_object_get(served->params, "cursor");

        if (cursor != NULL && !json_is_null(cursor)) {
                fail(served, RPC_INVALID_PARAMS, "Unknown cursor: the list has one page");
                return;
        }
        (void)requests_reply_ready(served->client->requests, served->id,
                                   buf_str(&served->client->mcp->tools_list[served->era]));
}

static void serve_tools_call(const struct served *served)
{
        struct mcp_client *client = served->client;
        const char *name = json_string_value(json_object_get(served->params, "name"));
        json_t *arguments = json_object_get(served->params, "arguments");
        json_t *token = json_object_get(json_object_get(served->params, "_meta"), "progressToken");
        const struct tool *tool = name != NULL ? tools_find(name) : NULL;
        struct rpc_fault fault = { 0 };

        if (name == NULL) {
                fail(served, RPC_INVALID_PARAMS, "tools/call needs a string name");
                return;
        }
        if (tool == NULL) {
                (void)rpc_fault_set(&fault, RPC_INVALID_PARAMS, "Unknown tool: %s", name);
                (void)requests_fail(client->requests, served->id, &fault);
                return;
        }
        if (json_is_null(arguments))
                arguments = NULL;
        if (arguments != NULL && !json_is_object(arguments)) {
                fail(served, RPC_INVALID_PARAMS, "arguments has to be an object");
                return;
        }
        if (token != NULL && !rpc_is_id(token)) {
                fail(served, RPC_INVALID_PARAMS, "progressToken has to be a string or a number");
                return;
        }
        struct call_spec spec = { client->mcp->engine, client->requests, served->id, tool,
                                  arguments, client->mcp->inline_secrets, token };
        call_start(&client->calls, &spec);
}

static const struct method {
        const char *name;
        bool is_in[ERAS]; /* by enum era */
        void (*serve)(const struct served *served);
} methods[] = {
        { "tools/call", { true, true }, serve_tools_call },
        { "tools/list", { true, true }, serve_tools_list },
        { "ping", { true, false }, serve_ping },
        { "initialize", { true, false }, serve_initialize },
        { "server/discover", { false, true }, serve_discover },
};

static const struct method *find_method(const char *name, enum era era)
{
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
                if (methods[i].is_in[era] && strcmp(methods[i].name, name) == 0)
                        return &methods[i];
        return NULL;
}

/* ---- messages ---- */

static bool on_request(struct mcp_client *client, const struct rpc_message *message,
                       struct rpc_fault *fault)
{
        struct served served = { client, { 0 }, era_of(message), message->params };

        if (served.era == ERA_MODERN && !era_check_envelope(message->params, fault))
                return false;
        const struct method *method = find_method(message->method, served.era);
        if (method == NULL)
                return rpc_fault_set(fault, RPC_METHOD_NOT_FOUND, "Method not found: %s",
                                     message->method);
        if (!requests_add(client->requests, message->id, served.era, &served.id, fault))
                return false;
        method->serve(&served);
        return true;
}

static void on_cancelled(struct mcp_client *client, const json_t *params)
{
        const json_t *client_id = json_object_get(params, "requestId");
        const char *reason = json_string_value(json_object_get(params, "reason"));
        request_id id = client_id != NULL ? requests_find(client->requests, client_id)
                                          : (request_id){ 0 };

        calls_cancel(&client->calls, id, reason != NULL ? reason : "");
}

static void on_value(struct mcp_client *client, json_t *value)
{
        struct rpc_message message;
        struct rpc_fault fault = { 0 };
        bool is_good = rpc_classify(value, &message, &fault);

        if (!is_good && fault.code == RPC_INVALID_PARAMS && message.id == NULL)
                log_debug("a notification with bad params was ignored");
        else if (is_good && message.kind == RPC_RESPONSE)
                log_debug("an answer to no request of ours was ignored");
        else if (is_good && message.kind == RPC_NOTIFICATION) {
                if (strcmp(message.method, "notifications/cancelled") == 0)
                        on_cancelled(client, message.params);
        } else if (!is_good || !on_request(client, &message, &fault)) {
                requests_refuse(client->requests, message.id, &fault);
        }
        rpc_fault_fini(&fault);
}

static bool may_batch(const struct mcp_client *client, const json_t *batch,
                      struct rpc_fault *fault)
{
        if (client->legacy_version == NULL
            || strcmp(client->legacy_version, ERA_BATCHES_VERSION) != 0)
                return rpc_fault_set(fault, RPC_INVALID_REQUEST,
                                     "Batches exist only in protocol version " ERA_BATCHES_VERSION);
        if (json_array_size(batch) == 0 || json_array_size(batch) > REQUESTS_BATCH_MAX)
                return rpc_fault_set(fault, RPC_INVALID_REQUEST,
                                     "A batch has to have 1 to %d messages", REQUESTS_BATCH_MAX);
        return true;
}

static void on_batch(struct mcp_client *client, json_t *batch)
{
        struct rpc_fault fault = { 0 };

        if (!may_batch(client, batch, &fault)) {
                requests_refuse(client->requests, NULL, &fault);
                return;
        }
        requests_batch_begin(client->requests);
        for (size_t i = 0; i < json_array_size(batch); i++)
                on_value(client, json_array_get(batch, i));
        requests_batch_end(client->requests);
}

void mcp_client_on_line(struct mcp_client *client, const char *bytes, size_t len)
{
        struct rpc_fault fault = { 0 };
        json_t *value;

        if (!rpc_parse(bytes, len, &value, &fault)) {
                requests_refuse(client->requests, NULL, &fault);
                rpc_fault_fini(&fault);
                return;
        }
        if (json_is_array(value))
                on_batch(client, value);
        else
                on_value(client, value);
        json_decref(value);
}

void mcp_client_on_too_long(struct mcp_client *client)
{
        struct rpc_fault fault = { 0 };

        (void)rpc_fault_set(&fault, RPC_INVALID_REQUEST,
                            "The line is too long for one message and was dropped unread");
        requests_refuse(client->requests, NULL, &fault);
}

/* ---- objects ---- */

static void send_to_peer(void *arg, const char *line, size_t len)
{
        const struct mcp_client *client = arg;

        client->peer.send(client->peer.arg, line, len);
}

static bool redact(void *arg, struct str text, struct buf *out)
{
        return engine_redact(arg, text, out);
}

struct mcp_client *mcp_client_new(struct mcp *mcp, const struct mcp_peer *peer)
{
        struct mcp_client *client = xcalloc(1, sizeof *client);

        client->mcp = mcp;
        client->peer = *peer;
        client->requests = requests_new(send_to_peer, client);
        requests_set_redact(client->requests, &(struct redact){ redact, mcp->engine });
        list_init(&client->calls);
        return client;
}

void mcp_client_free(struct mcp_client *client)
{
        if (client == NULL)
                return;
        calls_free(&client->calls);
        requests_free(client->requests);
        free(client);
}

static bool make_tools_list(struct mcp *mcp, enum era era)
{
        json_t *result = schema_of_tools(mcp->inline_secrets);

        buf_init(&mcp->tools_list[era], ANSWER_MAX / 2);
        answer_finish(result, era, ANSWER_CACHEABLE);
        bool is_whole = answer_dump(&mcp->tools_list[era], result);
        json_decref(result);
        return is_whole;
}

/* A message may carry a password, so what JSON was in is wiped. */
static void wipe_and_free(void *memory)
{
        if (memory != NULL)
                secret_wipe(memory, malloc_usable_size(memory));
        free(memory);
}

bool mcp_new(struct mcp **out_mcp, struct engine *engine, enum inline_secrets inline_secrets,
             struct err *err)
{
        struct mcp *mcp = xcalloc(1, sizeof *mcp);

        json_set_alloc_funcs(malloc, wipe_and_free);
        mcp->engine = engine;
        mcp->inline_secrets = inline_secrets;
        if (!make_tools_list(mcp, ERA_LEGACY) || !make_tools_list(mcp, ERA_MODERN)) {
                mcp_free(mcp);
                return err_set(err, ERR_SYSTEM, "no memory for the list of tools");
        }
        *out_mcp = mcp;
        return true;
}

void mcp_free(struct mcp *mcp)
{
        if (mcp == NULL)
                return;
        for (size_t era = 0; era < ERAS; era++)
                buf_fini(&mcp->tools_list[era]);
        free(mcp);
}
