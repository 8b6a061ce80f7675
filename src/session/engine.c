/*
 * The parts are made in engine_new() in the order of their dependence. What connections tell
 * (struct connection_env) comes in here and goes on to the part that wants to know.
 */
#include "session/engine_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/login/agent.h"
#include "session/worker_link/postbox.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_UP_THREADS "8" /* libuv lets half of its pool look up names at a time */
#define PTY_COLUMNS     200 /* wide, so that tables of ps and the like are not cut */
#define PTY_ROWS        50

/* ---- what connections tell ---- */

static void on_spawn_report(void *arg, const struct spawn_record *record)
{
        struct engine *engine = arg;
        struct connection *connection = connections_find(engine->connections, record->id);

        if (connection != NULL)
                connection_on_spawn(connection, record);
}

static void on_resolved(void *arg, struct connection *connection)
{
        struct engine *engine = arg;

        connections_join(engine->connections, connection);
}

static void on_gone(void *arg, struct connection *connection)
{
        struct engine *engine = arg;

        connections_remove(engine->connections, connection);
        if (engine->is_stopping && connections_count(engine->connections) == 0)
                spawner_stop(engine->spawner);
}

static struct connection *find_connection(void *arg, uint64_t id)
{
        const struct engine *engine = arg;

        return connections_find(engine->connections, id);
}

static void on_ready(void *arg, struct connection *connection)
{
        const struct engine *engine = arg;

        connections_tell_ready(engine->connections, connection);
}

static void on_end(void *arg, struct connection *connection, const struct err *why)
{
        const struct engine *engine = arg;

        screens_lose(engine->screens, connection_id(connection), 0, why->text);
        connections_tell_end(engine->connections, connection, why);
}

static bool on_orphan(void *arg, const struct connection_spec *spec, struct command *command,
                      const char *shell_name)
{
        struct engine *engine = arg;
        command_id busy;
        struct err err;
        uint64_t id;

        if (engine->is_stopping
            || !connections_get(engine->connections, &engine->env, spec, &id, &err))
                return false;
        return connection_submit(connections_find(engine->connections, id), command, shell_name,
                                 &busy, &err);
}

static void on_command_changed(void *arg)
{
        struct engine *engine = arg;

        waits_poke(engine->waits);
}

static void on_command_printed(void *arg)
{
        struct engine *engine = arg;

        waits_poke_printed(engine->waits);
}

/* ---- life ---- */

static bool add_override_secret(void *arg, const struct secret *secret, struct err *err)
{
        return redactor_add(arg, (struct str){ secret_bytes(secret), secret_len(secret) }, err);
}

static void make_parts(struct engine *engine, uv_loop_t *loop, const struct engine_config *config)
{
        engine->redactor = redactor_new();
        engine->overrides = overrides_new();
        engine->commands = commands_new();
        engine->connections = connections_new();
        engine->auth_limits = auth_limits_new();
        engine->backoff = backoff_new();
        engine->losses = losses_new();
        engine->keyring = keyring_new();
        engine->on_connecting = config->on_connecting;
        engine->on_connecting_arg = config->arg;
        engine->scratch = xcalloc(1, POSTBOX_SCRATCH_LEN);
        engine->env = (struct connection_env){
                .loop = loop,
                .ssh_config = config->ssh_config,
                .redactor = engine->redactor,
                .commands = engine->commands,
                .auth_limits = engine->auth_limits,
                .backoff = engine->backoff,
                .losses = engine->losses,
                .keyring = engine->keyring,
                .scratch = engine->scratch,
                .on_resolved = on_resolved,
                .on_gone = on_gone,
                .on_jump = engine_on_jump,
                .on_ready = on_ready,
                .on_end = on_end,
                .find = find_connection,
                .on_orphan = on_orphan,
                .arg = engine,
        };
        engine->env.columns = config->columns != 0 ? config->columns : PTY_COLUMNS;
        engine->env.rows = config->rows != 0 ? config->rows : PTY_ROWS;
        home_init(&engine->env.home);
}

static const char *const policy_names[] = {
        [HOST_KEY_STRICT] = "strict",
        [HOST_KEY_ACCEPT_NEW] = "accept-new",
};

static bool find_policy(const char *name, enum host_key_policy *out_policy)
{
        for (size_t i = 0; i < sizeof policy_names / sizeof *policy_names; i++)
                if (strcmp(policy_names[i], name) == 0) {
                        *out_policy = (enum host_key_policy)i;
                        return true;
                }
        return false;
}

bool engine_knows_host_key_policy(const char *name)
{
        enum host_key_policy ignored;

        return find_policy(name, &ignored);
}

static bool take_policy(struct connection_env *env, const char *name, struct err *err)
{
        env->has_host_key_policy = name != NULL;
        return name == NULL || find_policy(name, &env->host_key_policy)
               || err_set(err, ERR_INPUT, "there is no host key policy \"%s\"",
                          log_quote(name, strlen(name)));
}

bool engine_new(struct engine **out_engine, uv_loop_t *loop, const struct engine_config *config,
                struct err *err)
{
        struct engine *engine = xcalloc(1, sizeof *engine);
        scoped_fd int zygote = config->zygote_fd;

        /* A dead name server holds a thread of the pool for many seconds. */
        (void)setenv("UV_THREADPOOL_SIZE", LOOK_UP_THREADS, /* overwrite= */ 0);
        make_parts(engine, loop, config);
        if (!take_policy(&engine->env, config->host_key_policy, err)
            || !overrides_each_secret(engine->overrides, add_override_secret, engine->redactor, err)
            || !spawner_new(&engine->spawner, loop, &zygote, on_spawn_report, engine, err)) {
                engine_free(engine); /* has no handle yet */
                return false;
        }
        engine->env.spawner = engine->spawner;
        engine->waits = waits_new(loop, engine->commands);
        engine->screens = screens_new(loop, engine->redactor);
        engine->env.screens = engine->screens;
        commands_set_watch(engine->commands,
                           &(struct command_watch){ on_command_changed, on_command_printed, engine });
        *out_engine = engine;
        return true;
}

void engine_stop(struct engine *engine)
{
        if (engine->is_stopping)
                return;
        engine->is_stopping = true;
        for (size_t i = connections_count(engine->connections); i-- > 0;)
                connection_close(connections_at(engine->connections, i), ENGINE_STOP_GRACE_MS);
        waits_stop(engine->waits);
        screens_stop(engine->screens);
        if (connections_count(engine->connections) == 0)
                spawner_stop(engine->spawner);
}

void engine_free(struct engine *engine)
{
        if (engine == NULL)
                return;
        screens_free(engine->screens);
        waits_free(engine->waits);
        spawner_free(engine->spawner);
        connections_free(engine->connections);
        commands_free(engine->commands);
        auth_limits_free(engine->auth_limits);
        backoff_free(engine->backoff);
        losses_free(engine->losses);
        keyring_free(engine->keyring);
        free(engine->env.last_refused);
        overrides_free(engine->overrides);
        redactor_free(engine->redactor);
        home_fini(&engine->env.home);
        free(engine->scratch);
        free(engine);
}

/* ---- secrets ---- */

bool engine_add_secret(struct engine *engine, const char *bytes, size_t len, struct err *err)
{
        return redactor_add(engine->redactor, (struct str){ bytes, len }, err);
}

bool engine_redact(const struct engine *engine, struct str text, struct buf *out)
{
        size_t begin = out->len;

        if (redactor_is_empty(engine->redactor))
                return false;
        if (redactor_text(engine->redactor, text, out) > 0)
                return true;
        out->len = begin;
        return false;
}

/* ---- looking, waiting ---- */

command_id engine_find(const struct engine *engine, const char *name)
{
        return commands_find_name(engine->commands, name);
}

bool engine_info(const struct engine *engine, command_id id, struct command_info *out_info)
{
        const struct command *command = commands_find(engine->commands, id);

        if (command != NULL)
                *out_info = command_describe(command);
        return command != NULL;
}

void engine_each_command(const struct engine *engine, command_visit *visit, void *arg)
{
        for (struct command *at = commands_last(engine->commands); at != NULL;
             at = commands_before(engine->commands, at)) {
                struct command_info info = command_describe(at);
                if (!visit(arg, &info))
                        return;
        }
}

wait_id engine_wait(struct engine *engine, command_id id, const struct wait_spec *spec,
                    wait_done *done, void *arg)
{
        return waits_add(engine->waits, id, spec, done, arg);
}

void engine_wait_cancel(struct engine *engine, wait_id wait)
{
        waits_cancel(engine->waits, wait);
}

const char *engine_sandbox(const struct engine *engine)
{
        return engine->env.sandbox[0] != 0 ? engine->env.sandbox : NULL;
}

char *engine_agent_path(const struct engine *engine)
{
        scoped_fd int fd = agent_connect(NULL, &engine->env.home);

        return fd >= 0 ? agent_path(fd) : NULL;
}
