#pragma once
/*
 * channel_env.h - the variables that every channel asks the host to set (RFC 4254 6.4).
 *
 * Process: worker.
 * Memory:  owns its texts; zeroed memory is an empty environment, channel_env_fini() accepts it.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define CHANNEL_ENV_MAX 64 /* variables; the supervisor sends no more */

struct channel_env {
        struct variable {
                char *name;
                char *value;
        } variables[CHANNEL_ENV_MAX];
        size_t count;
};

bool channel_env_add(struct channel_env *env, struct str name, struct str value); /* false: full */
void channel_env_fini(struct channel_env *env);
