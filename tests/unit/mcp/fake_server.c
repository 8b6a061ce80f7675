/*
 * The real protocol layer and the real stdio before the fake engine: a server without SSH, for
 * official clients and schema checkers to talk to. Not a test by itself.
 */
#include "mcp/fake_engine.h"
#include "mcp/server.h"
#include "transport/stdio.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct program {
        uv_loop_t loop;
        uv_timer_t turns;
        struct engine *engine;
        struct mcp *mcp;
        struct mcp_client *client;
        struct stdio *stdio;
};

static void send_line(void *arg, const char *line, size_t len)
{
        struct program *program = arg;

        (void)stdio_send(program->stdio, line, len);
}

static void on_line(void *arg, const char *bytes, size_t len)
{
        mcp_client_on_line(((struct program *)arg)->client, bytes, len);
}

static void on_too_long(void *arg)
{
        mcp_client_on_too_long(((struct program *)arg)->client);
}

static void on_eof(void *arg)
{
        struct program *program = arg;

        uv_close((uv_handle_t *)&program->turns, NULL);
        stdio_stop(program->stdio);
}

static void on_turn(uv_timer_t *timer)
{
        fake_turn(((struct program *)timer->data)->engine);
}

int main(void)
{
        static const struct stdio_callbacks callbacks = { on_line, on_too_long, on_eof };
        struct program *program = calloc(1, sizeof *program);
        struct err err = { 0 };
        int status = EXIT_FAILURE;

        if (program == NULL || uv_loop_init(&program->loop) != 0)
                abort();
        struct mcp_peer peer = { send_line, program };
        program->engine = fake_engine_new();
        if (!mcp_new(&program->mcp, program->engine, INLINE_SECRETS_ALLOWED, &err))
                goto out;
        program->client = mcp_client_new(program->mcp, &peer);
        if (!stdio_new(&program->stdio, &program->loop, &callbacks, program, &err))
                goto out;
        (void)uv_timer_init(&program->loop, &program->turns); /* always 0 */
        program->turns.data = program;
        (void)uv_timer_start(&program->turns, on_turn, 1, 1);
        (void)uv_run(&program->loop, UV_RUN_DEFAULT);
        status = EXIT_SUCCESS;
out:
        if (status != EXIT_SUCCESS)
                (void)fprintf(stderr, "%s\n", err.text);
        stdio_free(program->stdio);
        (void)uv_run(&program->loop, UV_RUN_DEFAULT);
        mcp_client_free(program->client);
        mcp_free(program->mcp);
        engine_free(program->engine);
        (void)uv_loop_close(&program->loop);
        free(program);
        return status;
}
