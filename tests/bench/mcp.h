#pragma once
/*
 * mcp.h - one mcp-ssh-session, started and spoken to as a client would. Hand-made JSON.
 *
 * Process: the bench client.
 * Errors:  none are returned: what fails ends the program with a sentence.
 */
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mcp {
        pid_t pid;
        int in, out;       /* its standard input and output */
        struct buf unread; /* from its output; begins at the line after the last answer */
        size_t answered;   /* bytes of unread that the last answer takes */
        uint64_t last_id;
};

/* Returns when `initialize` has been answered. argv ends in NULL. */
void mcp_start(struct mcp *mcp, char **argv);

/* Closes its standard input and waits for its end. */
void mcp_stop(struct mcp *mcp);

void mcp_ping(struct mcp *mcp);

/* Asks for the command, waiting for nothing. host and command hold nothing that JSON escapes. */
void mcp_post_command(struct mcp *mcp, const char *host, const char *command);

/* Looks at the host's terminal: from then on its emulator is there. */
void mcp_read_screen(struct mcp *mcp, const char *host);

/*
 * Waits for the answer to one posted command, whichever is first, and returns the bytes of its
 * output. An exit status other than 0 ends the program.
 */
int64_t mcp_take_result(struct mcp *mcp);
