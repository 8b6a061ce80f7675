#pragma once
/*
 * rows.h - the row of every tool; tools.c puts them in order.
 */
#include "mcp/tool.h"

extern const struct tool tool_list_sessions;
extern const struct tool tool_execute_command;
extern const struct tool tool_execute_command_async;
extern const struct tool tool_get_command_status;
extern const struct tool tool_read_output;
extern const struct tool tool_interrupt_command_by_id;
extern const struct tool tool_send_input;
extern const struct tool tool_send_input_by_session;
extern const struct tool tool_read_screen;
extern const struct tool tool_send_keys;
extern const struct tool tool_list_running_commands;
extern const struct tool tool_list_command_history;
extern const struct tool tool_close_session;
extern const struct tool tool_close_all_sessions;
