#include "mcp/era.h"

#include "base/utf8.h"

#include <string.h>

#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define META_CLIENT_INFO  "io.modelcontextprotocol/clientInfo"
#define VERSION_ECHO_MAX  64 /* bytes of a version that we don't know, in the error */
#define META_LOG_LEVEL    "io.modelcontextprotocol/logLevel"

static const char *const legacy_versions[] = {
        "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25",
};

static const char *const log_levels[] = {
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
};

static bool is_one_of(const char *text, const char *const *all, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (strcmp(text, all[i]) == 0)
                        return true;
        return false;
}

enum era era_of(const struct rpc_message *message)
{
        const json_t *meta = json_object_get(message->params, "_meta");

        if (message->kind == RPC_RESPONSE)
                return ERA_LEGACY;
        if (json_object_get(meta, ERA_META_VERSION) != NULL)
                return ERA_MODERN;
        return strcmp(message->method, "server/discover") == 0 ? ERA_MODERN : ERA_LEGACY;
}

static bool bad_envelope(struct rpc_fault *fault, const char *key, const char *problem)
{
        json_t *data = json_pack("{s:{s:s,s:s}}", "envelope", "key", key, "problem", problem);

        (void)rpc_fault_set(fault, RPC_INVALID_PARAMS,
                            "Invalid _meta envelope for protocol revision " ERA_MODERN_VERSION
                            ": %s: %s", key, problem);
        fault->data = data;
        return false;
}

static bool is_client_info(const json_t *info)
{
        return json_is_string(json_object_get(info, "name"))
               && json_is_string(json_object_get(info, "version"));
}

bool era_check_envelope(const json_t *params, struct rpc_fault *fault)
{
        const json_t *meta = json_object_get(params, "_meta");
        const json_t *version = json_object_get(meta, ERA_META_VERSION);
        const json_t *capabilities = json_object_get(meta, META_CAPABILITIES);
        const json_t *info = json_object_get(meta, META_CLIENT_INFO);
        const json_t *level = json_object_get(meta, META_LOG_LEVEL);

        if (version == NULL)
                return bad_envelope(fault, ERA_META_VERSION, "missing");
        if (!json_is_string(version))
                return bad_envelope(fault, ERA_META_VERSION, "not a string");
        if (capabilities == NULL)
                return bad_envelope(fault, META_CAPABILITIES, "missing");
        if (!json_is_object(capabilities))
                return bad_envelope(fault, META_CAPABILITIES, "not an object");
        if (info != NULL && !is_client_info(info))
                return bad_envelope(fault, META_CLIENT_INFO, "not an object with name and version");
        if (level != NULL
            && (!json_is_string(level)
                || !is_one_of(json_string_value(level), log_levels,
                              sizeof log_levels / sizeof log_levels[0])))
                return bad_envelope(fault, META_LOG_LEVEL, "not a log level");
        if (strcmp(json_string_value(version), ERA_MODERN_VERSION) == 0)
                return true;

        size_t len = utf8_cut(json_string_value(version),
                              json_string_length(version) < VERSION_ECHO_MAX
                                      ? json_string_length(version)
                                      : VERSION_ECHO_MAX);
        json_t *data = json_pack("{s:[s],s:o}", "supported", ERA_MODERN_VERSION, "requested",
                                 json_stringn(json_string_value(version), len));
        return rpc_fault_set_data(fault, RPC_UNSUPPORTED_VERSION, "Unsupported protocol version",
                                  &data);
}

const char *era_negotiate(const char *requested)
{
        size_t count = sizeof legacy_versions / sizeof legacy_versions[0];

        for (size_t i = 0; i < count; i++)
                if (strcmp(requested, legacy_versions[i]) == 0)
                        return legacy_versions[i];
        return ERA_NEWEST_LEGACY;
}
