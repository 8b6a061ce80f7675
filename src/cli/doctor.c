/*
 * The steps come from the connection's watch, in their order; the time of each is the time since
 * the one before.
 */
#include "base/clock.h"
#include "cli/own_engine.h"

#include <stdio.h>
#include <stdlib.h>

struct doctor {
        int64_t step_began_ms;
        bool is_over;
        bool has_failed;
};

static void show(struct doctor *doctor, const char *mark, enum connect_step step, const char *text)
{
        int64_t now_ms = clock_now_ms();

        (void)printf("%s %-14s %6lld ms  %s\n", mark, connect_step_name(step),
                     (long long)(now_ms - doctor->step_began_ms), text);
        doctor->step_began_ms = now_ms;
}

static void on_step(void *arg, enum connect_step step, const char *text)
{
        struct doctor *doctor = arg;

        show(doctor, "ok  ", step, text);
        doctor->is_over = step == CONNECT_STEP_LOG_IN;
}

static void on_failure(void *arg, enum connect_step step, const struct err *why)
{
        struct doctor *doctor = arg;

        show(doctor, "FAIL", step, why->text);
        doctor->is_over = true;
        doctor->has_failed = true;
}

static bool examine(struct own_engine *own, const char *host, struct err *err)
{
        struct doctor doctor = { .step_began_ms = clock_now_ms() };
        const struct connection_watch watch = { .on_step = on_step, .on_failure = on_failure,
                                                .arg = &doctor };
        const struct session_ref session = { .host = host };
        bool is_ready;
        uint64_t id;

        if (!engine_connect(own->engine, &session, &watch, &id, &is_ready, err))
                return false;
        while (!doctor.is_over && uv_run(&own->loop, UV_RUN_ONCE) != 0)
                continue;
        engine_unwatch(own->engine, id);
        return !doctor.has_failed;
}

int cli_doctor(const struct cli_options *options, int argc, char **argv)
{
        struct own_engine own;
        struct err err = { 0 };

        if (argc != 1) {
                (void)fprintf(stderr, "usage: mcp-ssh-session doctor HOST\n");
                return 2;
        }
        bool ok = own_engine_init(&own, options, &err) && examine(&own, argv[0], &err);
        if (err.code != ERR_NONE)
                (void)fprintf(stderr, "mcp-ssh-session: %s\n", err.text);
        own_engine_fini(&own);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
