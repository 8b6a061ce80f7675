#pragma once
/*
 * hops.h - the jump hosts of a ProxyJump: "[user@]host[:port]" or "ssh://[user@]host[:port]", with
 * commas between them, the nearest to us first.
 *
 * ssh_config(5). The last hop is the one that connects to the target; it is itself reached through
 * the rest of the list, which takes the place of its own ProxyJump.
 *
 * Process: supervisor. Pure.
 * Memory:  a hop owns its texts; hop_fini() accepts zeroed memory.
 * Errors:  ERR_CONNECT for what does not fit the grammar of target.h.
 */
#include "session/config/target.h"

#define HOPS_MAX 8 /* jump hosts in a row; more are refused */

struct hop {
        char *text; /* as the configuration has it, brackets only where they are needed */
        struct target target;
};

/*
 * The last hop of the list, and the list without it; *out_rest is yours, free(), NULL: it was the
 * only one. The whole list is checked.
 */
bool hops_take_last(const char *list, struct hop *out_hop, char **out_rest, struct err *err);
void hop_fini(struct hop *hop);
