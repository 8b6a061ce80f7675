#pragma once
/*
 * schema.h - what tools/list says about a tool, made from its row.
 *
 * Process: supervisor. Pure.
 * Memory:  what is returned is the caller's.
 */
#include "mcp/inline_secrets.h"
#include "mcp/tool.h"

#include <jansson.h>

json_t *schema_of_args(const struct tool *tool, enum inline_secrets inline_secrets);
/* One entry of tools/list. */
json_t *schema_of_tool(const struct tool *tool, enum inline_secrets inline_secrets);
json_t *schema_of_tools(enum inline_secrets inline_secrets); /* {"tools": […]} */
