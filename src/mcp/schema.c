#include "mcp/schema.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static const char *type_name(enum arg_kind kind)
{
        switch (kind) {
        case ARG_STRING: return "string";
        case ARG_INT:    return "integer";
        case ARG_BOOL:   return "boolean";
        }
        bug("argument kind %d", (int)kind);
}

static json_t *fallback_value(const struct arg *arg)
{
        switch (arg->kind) {
        case ARG_STRING: return json_string(arg->fallback);
        case ARG_INT:    return json_integer(strtoll(arg->fallback, NULL, 10));
        case ARG_BOOL:   return json_boolean(strcmp(arg->fallback, "true") == 0);
        }
        bug("argument kind %d", (int)arg->kind);
}

static json_t *schema_of_arg(const struct arg *arg)
{
        json_t *schema = json_pack("{s:s,s:s}", "type", type_name(arg->kind), "description",
                                   arg->help);

        if (arg->kind == ARG_INT) {
                /* bounds that only we need say nothing to a reader */
                if (arg->min != 0)
                        (void)json_object_set_new(schema, "minimum", json_integer(arg->min));
                if (arg->max < INT32_MAX)
                        (void)json_object_set_new(schema, "maximum", json_integer(arg->max));
        }
        if (arg->fallback != NULL && strcmp(arg->fallback, "false") != 0
            && strcmp(arg->fallback, "0") != 0) /* those go without saying */
                (void)json_object_set_new(schema, "default", fallback_value(arg));
        return schema;
}

json_t *schema_of_args(const struct tool *tool, enum inline_secrets inline_secrets)
{
        json_t *properties = json_object();
        json_t *required = json_array();
        json_t *schema = json_pack("{s:s,s:o}", "type", "object", "properties", properties);

        for (const struct arg *arg = tool->args; arg->name != NULL; arg++) {
                if (inline_secrets == INLINE_SECRETS_DENIED && inline_secrets_is_one(arg->name))
                        continue;
                (void)json_object_set_new(properties, arg->name, schema_of_arg(arg));
                if (arg->required)
                        (void)json_array_append_new(required, json_string(arg->name));
        }
        if (json_array_size(required) > 0)
                (void)json_object_set(schema, "required", required);
        json_decref(required);
        (void)json_object_set_new(schema, "additionalProperties", json_false());
        return schema;
}

/* What the protocol takes for granted is left out: the list has to be small. */
static json_t *annotations(const struct tool *tool)
{
        bool is_read_only = (tool->flags & TOOL_READ_ONLY) != 0;
        json_t *all = json_pack("{s:b}", "readOnlyHint", is_read_only);

        if ((tool->flags & TOOL_OPEN_WORLD) == 0)
                (void)json_object_set_new(all, "openWorldHint", json_false());
        if (is_read_only) /* the other two have a meaning only where something is changed */
                return all;
        if ((tool->flags & TOOL_DESTRUCTIVE) == 0)
                (void)json_object_set_new(all, "destructiveHint", json_false());
        if ((tool->flags & TOOL_IDEMPOTENT) != 0)
                (void)json_object_set_new(all, "idempotentHint", json_true());
        return all;
}

json_t *schema_of_tool(const struct tool *tool, enum inline_secrets inline_secrets)
{
        json_t *entry = json_pack("{s:s,s:s,s:s,s:o,s:o}", "name", tool->name, "title",
                                  tool->title, "description", tool->help, "inputSchema",
                                  schema_of_args(tool, inline_secrets), "annotations",
                                  annotations(tool));

        if (tool->output != NULL) {
                json_t *output = json_loads(tool->output, 0, NULL);

                if (output == NULL)
                        bug("the output schema of %s is no JSON", tool->name);
                (void)json_object_set_new(entry, "outputSchema", output);
        }
        if ((tool->flags & TOOL_CORE) != 0)
                (void)json_object_set_new(entry, "_meta",
                                          json_pack("{s:b}", "anthropic/alwaysLoad", 1));
        return entry;
}

json_t *schema_of_tools(enum inline_secrets inline_secrets)
{
        json_t *all = json_array();

        for (size_t i = 0; tools[i] != NULL; i++)
                (void)json_array_append_new(all, schema_of_tool(tools[i], inline_secrets));
        return json_pack("{s:o}", "tools", all);
}
