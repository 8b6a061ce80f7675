#pragma once
/*
 * cli.h - the subcommands that a person types in a terminal; they speak no MCP.
 *
 * Each but login, which talks to a running server, has a loop and an engine of its own. It ends with an exit status: 0 it went well, 1 it did
 * not, 2 the arguments are wrong. What it says goes to stdout, complaints to stderr.
 *
 * Process: supervisor of its own.
 */
#include "session/engine.h"

struct cli_options {
        struct engine_config engine; /* its zygote_fd is taken */
        const char *libraries;       /* with their versions, for people */
};

int cli_doctor(const struct cli_options *options, int argc, char **argv);
int cli_trust(const struct cli_options *options, int argc, char **argv);
int cli_login(const struct cli_options *options, int argc, char **argv);
