#pragma once
/*
 * proxy_text.h - a ProxyCommand with its %-tokens filled in.
 *
 * ssh_config(5), TOKENS. What is filled in fits the grammar of target.h, so that it means nothing
 * to a shell; the command itself is the user's own.
 *
 * Process: supervisor. Pure.
 * Errors:  ERR_CONNECT for a token that there is not, ERR_LIMIT.
 */
#include "base/err.h"

#define PROXY_TEXT_MAX (16 * 1024) /* bytes of a command with everything filled in */

struct proxy_place {
        const char *host;      /* %h */
        int port;              /* %p */
        const char *user;      /* %r */
        const char *given;     /* %n: the host as it was said */
        const char *key_alias; /* %k: HostKeyAlias; NULL: as %n */
};

/* *out_text is yours, free(). */
bool proxy_text(const char *command, const struct proxy_place *place, char **out_text,
                struct err *err);
