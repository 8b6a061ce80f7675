#include "cli/own_engine.h"

#include "base/log.h"

bool own_engine_init(struct own_engine *own, const struct cli_options *options, struct err *err)
{
        *own = (struct own_engine){ .engine = NULL };
        if (uv_loop_init(&own->loop) != 0)
                bug("no event loop");
        return engine_new(&own->engine, &own->loop, &options->engine, err);
}

void own_engine_fini(struct own_engine *own)
{
        if (own->engine != NULL) {
                engine_stop(own->engine);
                (void)uv_run(&own->loop, UV_RUN_DEFAULT);
        }
        engine_free(own->engine);
        (void)uv_loop_close(&own->loop); /* after a failed start handles may be left; the process ends */
}
