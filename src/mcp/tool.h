#pragma once
/*
 * tool.h - one row per tool: name, arguments, flags, function. tools/list, the checking of
 * arguments and docs/tools.md come from the row.
 *
 * Process: supervisor.
 * Memory:  rows are constant.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;

#define TOOL_ARGS_MAX 16

enum arg_kind { ARG_STRING, ARG_INT, ARG_BOOL };

struct arg {
        const char *name;
        enum arg_kind kind;
        const char *help;
        int64_t min, max;     /* of an integer; of a string max is its bytes, 0: ARG_TEXT_MAX */
        const char *fallback; /* when absent, as text ("30", "false", "enable"); NULL: none */
        bool required;
        bool may_be_empty;    /* a required string; an optional one that is empty is not given */
        bool may_hold_nul;
};

#define ARG_TEXT_MAX 4096 /* bytes of a string argument that says nothing else */

enum tool_flag {
        TOOL_READ_ONLY = 1u << 0,   /* changes nothing anywhere */
        TOOL_DESTRUCTIVE = 1u << 1, /* may destroy something */
        TOOL_IDEMPOTENT = 1u << 2,  /* twice is as once */
        TOOL_OPEN_WORLD = 1u << 3,  /* reaches other machines */
        TOOL_CORE = 1u << 4,        /* clients with a tool search keep it loaded */
};

struct tool {
        const char *name;
        const char *title;
        const char *help;
        const struct arg *args; /* ends with a zeroed one */
        unsigned flags;         /* enum tool_flag */
        const char *output;     /* JSON Schema of structuredContent as text; NULL: there is none */
        void (*run)(struct call *call);                       /* see call.h */
        void (*cancel)(struct call *call, const char *reason); /* NULL: nothing to stop */
};

extern const struct tool *const tools[]; /* in the order of tools/list; ends with NULL */

const struct tool *tools_find(const char *name); /* NULL: there is none */
