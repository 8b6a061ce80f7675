#include "cli/own_engine.h"

#include "base/log.h"

#include <signal.h>

static bool redact_log(void *arg, struct str text, struct buf *out)
{
        return engine_redact(arg, text, out);
}

bool own_engine_init(struct own_engine *own, const struct cli_options *options, struct err *err)
{
        *own = (struct own_engine){ .engine = NULL };
        (void)signal(SIGPIPE, SIG_IGN); /* a worker or an agent that is gone shows in a result */
        if (uv_loop_init(&own->loop) != 0)
                bug("no event loop");
        if (!engine_new(&own->engine, &own->loop, &options->engine, err))
                return false;
        log_set_filter(redact_log, own->engine);
        return true;
}

void own_engine_fini(struct own_engine *own)
{
        if (own->engine != NULL) {
                engine_stop(own->engine);
                (void)uv_run(&own->loop, UV_RUN_DEFAULT);
        }
        log_set_filter(NULL, NULL);
        engine_free(own->engine);
        (void)uv_loop_close(&own->loop); /* after a failed start handles may be left; the process ends */
}
