#include "worker/channel_env.h"

#include "base/alloc.h"

#include <stdlib.h>

bool channel_env_add(struct channel_env *env, struct str name, struct str value)
{
        if (env->count == CHANNEL_ENV_MAX)
                return false;
        env->variables[env->count++] = (struct variable){
                .name = xstrndup(name.ptr, name.len),
                .value = xstrndup(value.ptr, value.len),
        };
        return true;
}

void channel_env_fini(struct channel_env *env)
{
        for (size_t i = 0; i < env->count; i++) {
                free(env->variables[i].name);
                free(env->variables[i].value);
        }
        *env = (struct channel_env){ .count = 0 };
}
