#pragma once
/*
 * screen_text.h - a terminal's screen as the result of a tool call: its text, and the facts for
 * programs in _meta["mcp-ssh-session/screen"].
 *
 * Process: supervisor.
 * Memory:  what is returned is the caller's.
 */
#include "session/command/command.h"
#include "session/terminal/screen.h"

#include <jansson.h>

#define RESULT_META_SCREEN "mcp-ssh-session/screen"

struct screen_view {
        const char *before; /* a line of its own at the top; NULL none */
        size_t max_lines;   /* of the screen; the scrollback is shown as it came */
        int64_t since;      /* 0: all lines; else those that have changed, with their numbers */
        const struct command_info *command; /* in front when it was asked for; NULL: none */
};

json_t *result_of_screen(const struct screen_info *info, const struct screen_view *view);
