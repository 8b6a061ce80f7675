#pragma once
/*
 * own_engine.h - a loop with an engine in it, for a subcommand that connects by itself.
 *
 * Process: supervisor of its own.
 * Memory:  own_engine_fini() accepts what own_engine_init() could not finish; it stops the engine,
 *          runs the loop dry and frees both.
 */
#include "base/err.h"
#include "cli/cli.h"
#include "session/engine.h"

#include <uv.h>

struct own_engine {
        uv_loop_t loop;
        struct engine *engine;
};

bool own_engine_init(struct own_engine *own, const struct cli_options *options, struct err *err);
void own_engine_fini(struct own_engine *own);
