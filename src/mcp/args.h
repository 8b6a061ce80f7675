#pragma once
/*
 * args.h - the arguments of one tool call, checked against the tool's row.
 *
 * What models send wrong and means only one thing is taken: numbers as strings, whole numbers
 * as reals, "true", null for absent. Anything else is an error that names the argument and says
 * what is allowed.
 *
 * Process: supervisor. Pure.
 * Memory:  args borrow from the JSON object they were checked from.
 * Errors:  ERR_INPUT.
 */
#include "base/err.h"
#include "base/str.h"
#include "mcp/tool.h"

#include <jansson.h>

struct arg_value {
        bool is_given;   /* by the caller, or by a fallback */
        struct str text; /* of a string; NUL-terminated behind its length */
        int64_t number;  /* of an integer; of a boolean 0 or 1 */
};

struct args {
        const struct tool *tool;
        struct arg_value values[TOOL_ARGS_MAX];
};

/* arguments: an object, or NULL for none. */
bool args_check(struct args *out_args, const struct tool *tool, json_t *arguments,
                struct err *err);

/* By name, which the row must have. What was not given is NULL, {NULL, 0}, 0, false. */
const char *args_text(const struct args *args, const char *name);
struct str args_str(const struct args *args, const char *name);
int64_t args_int(const struct args *args, const char *name);
bool args_bool(const struct args *args, const char *name);
bool args_has(const struct args *args, const char *name);
