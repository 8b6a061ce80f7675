#include "session/watch.h"

#include "base/log.h"

const char *connect_step_name(enum connect_step step)
{
        switch (step) {
        case CONNECT_STEP_CONFIG: return "configuration";
        case CONNECT_STEP_REACH: return "network";
        case CONNECT_STEP_BANNER: return "identification";
        case CONNECT_STEP_KEX: return "key exchange";
        case CONNECT_STEP_HOST_KEY: return "host key";
        case CONNECT_STEP_LOG_IN: return "log-in";
        case CONNECT_STEPS: break;
        }
        bug("connect step %d", (int)step);
}
