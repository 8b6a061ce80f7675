/*
 * The depth is judged before jansson sees the text: its own limit is 2048 levels, and it recurses.
 * The scan knows strings and brackets and nothing else; what it lets through may still be no JSON.
 */
#include "mcp/rpc.h"

#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool rpc_fault_set(struct rpc_fault *fault, enum rpc_code code, const char *fmt, ...)
{
        va_list args;

        rpc_fault_fini(fault);
        fault->code = code;
        va_start(args, fmt);
        (void)vsnprintf(fault->text, sizeof fault->text, fmt, args); /* cut when too long */
        va_end(args);
        fault->text[utf8_cut(fault->text, strlen(fault->text))] = '\0';
        return false;
}

bool rpc_fault_set_data(struct rpc_fault *fault, enum rpc_code code, const char *text,
                        json_t **data)
{
        (void)rpc_fault_set(fault, code, "%s", text);
        fault->data = *data;
        *data = NULL;
        return false;
}

void rpc_fault_fini(struct rpc_fault *fault)
{
        json_decref(fault->data);
        fault->data = NULL;
}

static bool is_too_deep(const char *bytes, size_t len)
{
        unsigned depth = 0;
        bool in_string = false;

        for (size_t i = 0; i < len; i++) {
                char at = bytes[i];

                if (in_string) {
                        if (at == '\\')
                                i++;
                        else if (at == '"')
                                in_string = false;
                } else if (at == '"') {
                        in_string = true;
                } else if (at == '[' || at == '{') {
                        if (++depth > RPC_DEPTH_MAX)
                                return true;
                } else if ((at == ']' || at == '}') && depth > 0) {
                        depth--;
                }
        }
        return false;
}

bool rpc_parse(const char *bytes, size_t len, json_t **out_value, struct rpc_fault *fault)
{
        json_error_t why;

        if (is_too_deep(bytes, len))
                return rpc_fault_set(fault, RPC_PARSE_ERROR,
                                     "The message is nested deeper than %d levels", RPC_DEPTH_MAX);
        json_t *value = json_loadb(bytes, len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
        if (value == NULL) {
                size_t text_len = strlen(why.text);

                if (!utf8_is_valid(why.text, text_len)) /* it quotes what was near */
                        text_len = 0;
                return rpc_fault_set(fault, RPC_PARSE_ERROR, "Not a JSON text (byte %d)%s%.*s",
                                     why.position, text_len > 0 ? ": " : "", (int)text_len,
                                     why.text);
        }
        *out_value = value;
        return true;
}

bool rpc_is_id(const json_t *value)
{
        if (json_is_real(value)) {
                double number = json_real_value(value);
                double whole;

                return modf(number, &whole) == 0.0; /* 1.0 is an integer for JSON Schema */
        }
        if (json_is_string(value))
                return json_string_length(value) <= RPC_ID_MAX;
        return json_is_integer(value);
}

bool rpc_ids_equal(const json_t *a, const json_t *b)
{
        if (json_is_number(a) && json_is_number(b))
                return json_is_integer(a) && json_is_integer(b)
                               ? json_integer_value(a) == json_integer_value(b)
                               : !(json_number_value(a) < json_number_value(b)
                                   || json_number_value(a) > json_number_value(b));
        return json_equal(a, b) == 1;
}

bool rpc_classify(json_t *value, struct rpc_message *out_message, struct rpc_fault *fault)
{
        *out_message = (struct rpc_message){ 0 };
        if (!json_is_object(value))
                return rpc_fault_set(fault, RPC_INVALID_REQUEST, "A message has to be an object");

        json_t *id = json_object_get(value, "id");
        json_t *method = json_object_get(value, "method");
        json_t *params = json_object_get(value, "params");
        const char *version = json_string_value(json_object_get(value, "jsonrpc"));

        if (id != NULL && !rpc_is_id(id))
                return rpc_fault_set(fault, RPC_INVALID_REQUEST,
                                     "id has to be a short string or a whole number");
        out_message->id = id;
        if (version == NULL || strcmp(version, "2.0") != 0)
                return rpc_fault_set(fault, RPC_INVALID_REQUEST, "jsonrpc has to be \"2.0\"");
        if (method == NULL && id != NULL
            && (json_object_get(value, "result") != NULL
                || json_object_get(value, "error") != NULL)) {
                out_message->kind = RPC_RESPONSE;
                return true;
        }
        if (!json_is_string(method))
                return rpc_fault_set(fault, RPC_INVALID_REQUEST, "method has to be a string");
        if (params != NULL && !json_is_object(params))
                return rpc_fault_set(fault, RPC_INVALID_PARAMS, "params has to be an object");
        out_message->kind = id != NULL ? RPC_REQUEST : RPC_NOTIFICATION;
        out_message->method = json_string_value(method);
        out_message->params = params;
        return true;
}
