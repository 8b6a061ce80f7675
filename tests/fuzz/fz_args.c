/* The arguments of every tool: JSON after one byte that chooses the tool. */
#include "fuzz.h"
#include "mcp/args.h"

static void look(const struct args *args)
{
        for (const struct arg *arg = args->tool->args; arg->name != NULL; arg++) {
                struct str text = args_str(args, arg->name);

                if (arg->required && !args_has(args, arg->name))
                        abort();
                if (text.ptr != NULL && text.ptr[text.len] != '\0')
                        abort();
                if (arg->kind == ARG_INT && args_has(args, arg->name)
                    && (args_int(args, arg->name) < arg->min || args_int(args, arg->name) > arg->max))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        size_t count = 0;
        struct args args;
        struct err err;

        while (tools[count] != NULL)
                count++;
        json_t *value = len == 0 ? NULL : json_loadb((const char *)bytes + 1, len - 1, JSON_ALLOW_NUL, NULL);
        if (json_is_object(value) && args_check(&args, tools[bytes[0] % count], value, &err))
                look(&args);
        json_decref(value);
        return 0;
}
