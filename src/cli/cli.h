#pragma once
/*
 * cli.h - the subcommands that a person types in a terminal; they speak no MCP.
 *
 * Each but login, which talks to a running server, has a loop and an engine of its own. It ends
 * with an exit status: 0 it went well, 1 it did not, 2 the arguments are wrong. What it says goes
 * to stdout, complaints to stderr.
 *
 * Process: supervisor of its own.
 */
struct cli_options {
        const char *ssh_config; /* NULL: the user's own */
        int zygote_fd;          /* taken */
};

int cli_doctor(const struct cli_options *options, int argc, char **argv);
int cli_login(const struct cli_options *options, int argc, char **argv);
