#include "mcp/tools/rows.h"

#include <string.h>

/* The first is harmless without arguments: probes call it. */
const struct tool *const tools[] = {
        &tool_list_sessions,
        &tool_execute_command,
        &tool_execute_command_async,
        &tool_get_command_status,
        &tool_read_output,
        &tool_interrupt_command_by_id,
        &tool_send_input,
        &tool_send_input_by_session,
        &tool_read_screen,
        &tool_send_keys,
        &tool_list_running_commands,
        &tool_list_command_history,
        &tool_close_session,
        &tool_close_all_sessions,
        NULL,
};

const struct tool *tools_find(const char *name)
{
        for (size_t i = 0; tools[i] != NULL; i++)
                if (strcmp(tools[i]->name, name) == 0)
                        return tools[i];
        return NULL;
}
