/*
 * A facade: checks what a call says, finds or makes the connection, and hands over. The parts are
 * made in engine_new() in the order of their dependence.
 */
#include "session/engine.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/agent.h"
#include "session/connections.h"
#include "session/postbox.h"
#include "session/waits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX       (1024 * 1024) /* bytes typed in one call */
#define PASSWORD_MAX    1024          /* bytes; OpenSSH's own limit for a password prompt */
#define LOOK_UP_THREADS "8"           /* libuv lets half of its pool look up names at a time */

struct engine {
        struct connection_env env;
        struct connections *connections;
        struct commands *commands;
        struct waits *waits;
        struct spawner *spawner;
        struct redactor *redactor;
        struct overrides *overrides;
        struct auth_limits *auth_limits;
        struct backoff *backoff;
        struct losses *losses;
        struct keyring *keyring;
        void (*on_connecting)(void *arg);
        void *on_connecting_arg;
        uint8_t *scratch;
        bool is_stopping;
};

/* ---- life ---- */

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

static bool on_jump(void *arg, struct connection *behind, const struct hop *hop, const char *rest,
                    struct err *err);

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
                .on_jump = on_jump,
                .on_ready = on_ready,
                .on_end = on_end,
                .find = find_connection,
                .on_orphan = on_orphan,
                .arg = engine,
        };
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
        commands_set_watch(engine->commands, on_command_changed, engine);
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
        if (connections_count(engine->connections) == 0)
                spawner_stop(engine->spawner);
}

void engine_free(struct engine *engine)
{
        if (engine == NULL)
                return;
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

/* ---- running ---- */

static const char *or_null(const char *text)
{
        return text != NULL && text[0] != 0 ? text : NULL;
}

static bool check_text(const struct run_request *request, struct err *err)
{
        struct str text = { request->text, request->text_len };

        if (str_trim(text).len == 0)
                return err_set(err, ERR_INPUT, "command is empty: give a shell command.");
        if (text.len > COMMAND_TEXT_MAX)
                return err_set(err, ERR_LIMIT,
                               "command has %zu bytes, the limit is %d: put it into a file on "
                               "the host and run that.",
                               text.len, COMMAND_TEXT_MAX);
        if (memchr(text.ptr, 0, text.len) != NULL)
                return err_set(err, ERR_INPUT,
                               "command has a NUL byte, which no shell takes: write it as "
                               "\\0 inside printf '...'.");
        return true;
}

static bool check_rest(const struct run_request *request, struct err *err)
{
        const char *shell = or_null(request->session.shell);
        const char *key = or_null(request->key_filename);

        if (shell != NULL && !target_check_shell_name(shell, err))
                return false;
        if (request->password != NULL
            && strnlen(request->password, PASSWORD_MAX + 1) > PASSWORD_MAX)
                return err_set(err, ERR_INPUT, "password is longer than %d bytes.", PASSWORD_MAX);
        return key == NULL || target_check_key_path(key, err);
}

/* The operator's word for the host as it was said, else for the host name in it. */
static bool find_override(const struct engine *engine, const char *given,
                          const struct target *target, struct override *out, struct err *err)
{
        if (!overrides_find(engine->overrides, given, out, err))
                return false;
        if (override_is_any(out))
                return true;
        return overrides_find(engine->overrides, target->host, out, err);
}

/* The machine that a reference means; what an override says anyway is no part of its name. */
static bool parse_reference(const struct engine *engine, const struct session_ref *session,
                            struct target *out_target, struct override *out_override,
                            struct err *err)
{
        struct target target;

        if (!target_parse(&target, session->host, session->username, session->port, err))
                return false;
        if (!find_override(engine, session->host, &target, out_override, err)) {
                target_fini(&target);
                return false;
        }
        if (out_override->user != NULL) {
                free(target.user);
                target.user = NULL;
        }
        if (out_override->port != 0)
                target.port = 0;
        *out_target = target;
        return true;
}

static bool get_connection(struct engine *engine, const struct run_request *request,
                           const struct target *target, const struct override *override,
                           struct connection **out_connection, struct err *err)
{
        struct connection_spec spec = { .given = request->session.host,
                                        .target = target,
                                        .override = *override };
        struct secret *password = NULL;
        uint64_t id;

        spec.key_filename =
                spec.override.key != NULL ? spec.override.key : or_null(request->key_filename);
        if (or_null(request->password) != NULL
            && !engine_add_secret(engine, request->password, strlen(request->password), err))
                return false;
        if (spec.override.password == NULL && or_null(request->password) != NULL)
                password = secret_new(request->password, strlen(request->password));
        spec.password = spec.override.password != NULL ? spec.override.password : password;
        spec.credentials = credentials_of(spec.key_filename, spec.password);
        if (engine->on_connecting != NULL)
                engine->on_connecting(engine->on_connecting_arg);
        bool is_there = connections_get(engine->connections, &engine->env, &spec, &id, err);
        secret_free(password);
        if (is_there)
                *out_connection = connections_find(engine->connections, id);
        return is_there;
}

/* A jump host gets what its own configuration and the operator have for it, and nothing of a call. */
static bool on_jump(void *arg, struct connection *behind, const struct hop *hop, const char *rest,
                    struct err *err)
{
        struct engine *engine = arg;
        struct connection_spec spec = { .given = hop->text, .target = &hop->target, .jump = rest };
        uint64_t id;

        if (!find_override(engine, spec.given, &hop->target, &spec.override, err))
                return false;
        spec.behind_count = connection_behind_count(behind) + 1;
        spec.key_filename = spec.override.key;
        spec.password = spec.override.password;
        spec.credentials = credentials_of(spec.key_filename, spec.password);
        if (spec.behind_count > HOPS_MAX)
                return connections_too_many_hops(err);
        return connections_get(engine->connections, &engine->env, &spec, &id, err)
            && connections_put_behind(engine->connections, behind,
                                      connections_find(engine->connections, id), err);
}

bool engine_connect(struct engine *engine, const struct session_ref *session,
                    const struct connection_watch *watch, uint64_t *out_id, bool *out_is_ready,
                    struct err *err)
{
        struct run_request request = { .session = *session,
                                       .key_filename = session->key_filename };
        struct connection *connection = NULL;
        struct override override;
        struct target target;

        if (engine->is_stopping)
                return err_set(err, ERR_STATE, "mcp-ssh-session is stopping.");
        if (or_null(session->key_filename) != NULL
            && !target_check_key_path(session->key_filename, err))
                return false;
        if (!parse_reference(engine, session, &target, &override, err))
                return false;
        bool ok = get_connection(engine, &request, &target, &override, &connection, err);
        target_fini(&target);
        if (!ok)
                return false;
        if (!connection_may_watch(connection, watch, err))
                return false;
        connection_set_watch(connection, watch);
        *out_id = connection_id(connection);
        *out_is_ready = connection_state(connection) == CONNECTION_READY;
        return true;
}

void engine_unwatch(struct engine *engine, uint64_t id)
{
        struct connection *connection = connections_find(engine->connections, id);

        if (connection != NULL)
                connection_set_watch(connection, NULL);
}

bool engine_add_host_key(struct engine *engine, uint64_t id, struct err *err)
{
        struct connection *connection = connections_find(engine->connections, id);

        return connection != NULL ? connection_add_host_key(connection, err)
                                  : err_set(err, ERR_STATE, "the connection has ended; try again");
}

void engine_answer(struct engine *engine, uint64_t id, const struct secret *answer)
{
        struct connection *connection = connections_find(engine->connections, id);
        struct err err;

        if (connection == NULL)
                return;
        if (answer != NULL && connection_asks_for_secret(connection)
            && !redactor_add(engine->redactor,
                             (struct str){ secret_bytes(answer), secret_len(answer) }, &err)) {
                log_warn("an answer that could not be kept out of later output is not used: %s",
                         err.text);
                answer = NULL;
        }
        (void)connection_answer(connection, answer); /* nothing is asked: documented */
}

const char *engine_last_refused(const struct engine *engine)
{
        return engine->env.last_refused != NULL ? engine->env.last_refused : "";
}

static void submit(struct engine *engine, struct connection *connection,
                   const struct run_request *request, const char *shell, command_id *out_id)
{
        struct command *command = command_new(request->text, request->text_len, request->isolated,
                                              request->session.host);
        struct command *added = command;
        command_id busy;
        struct err err;

        command_set_redactor(command, engine->redactor);
        *out_id = commands_add(engine->commands, &command);
        if (!connection_submit(connection, added, shell, &busy, &err))
                command_end(added, COMMAND_FAILED, &err); /* asked before: cannot be */
}

bool engine_run(struct engine *engine, const struct run_request *request, command_id *out_id,
                command_id *out_busy, struct err *err)
{
        const char *shell = or_null(request->session.shell);
        struct connection *connection = NULL;
        struct override override;
        struct target target;

        *out_busy = (command_id){ 0 };
        if (engine->is_stopping)
                return err_set(err, ERR_STATE, "mcp-ssh-session is stopping.");
        if (!check_text(request, err) || !check_rest(request, err)
            || !commands_has_room(engine->commands, err)
            || !parse_reference(engine, &request->session, &target, &override, err))
                return false;
        shell = shell != NULL ? shell : SHELL_DEFAULT;
        bool ok = get_connection(engine, request, &target, &override, &connection, err)
                  && connection_may_submit(connection, shell, request->isolated, out_busy, err);
        if (ok)
                submit(engine, connection, request, shell, out_id);
        target_fini(&target);
        return ok;
}

/* ---- a command that runs ---- */

/* NULL and *err: there is none, or it has ended. */
static struct command *find_running(const struct engine *engine, command_id id,
                                    struct connection **out_connection, struct err *err)
{
        struct command *command = commands_find(engine->commands, id);

        if (command == NULL) {
                (void)err_set(err, ERR_NOT_FOUND, "there is no such command any more.");
                return NULL;
        }
        if (command_state_is_final(command->state)) {
                (void)err_set(err, ERR_STATE, "Command is not active (status: %s).",
                              command_state_name(command->state));
                return NULL;
        }
        *out_connection = connections_find(engine->connections, command->connection);
        if (*out_connection == NULL)
                bug("command %" PRIu64 " runs on no connection", id.n);
        return command;
}

bool engine_interrupt(struct engine *engine, command_id id, struct err *err)
{
        struct connection *connection = NULL;
        struct command *command = find_running(engine, id, &connection, err);

        if (command == NULL)
                return false;
        connection_interrupt(connection, command);
        return true;
}

static bool check_input(size_t len, struct err *err)
{
        if (len == 0)
                return err_set(err, ERR_INPUT, "there is nothing to type: input_text is empty.");
        if (len > INPUT_MAX)
                return err_set(err, ERR_LIMIT,
                               "input_text has %zu bytes, the limit is %d: send it in pieces.", len,
                               INPUT_MAX);
        return true;
}

bool engine_input(struct engine *engine, command_id id, const char *bytes, size_t len,
                  struct err *err)
{
        struct connection *connection = NULL;

        if (!check_input(len, err))
                return false;
        struct command *command = find_running(engine, id, &connection, err);
        if (command == NULL)
                return false;
        if (command->isolated)
                return err_set(err, ERR_STATE,
                               "an isolated command has no input: its stdin is closed. Run it "
                               "without isolated to be able to answer it.");
        return connection_input(connection, command, (struct str){ bytes, len }, err);
}

/* ---- sessions ---- */

struct place {
        struct connection *connection;
        struct shell *shell;
};

/* The shell that a reference means; of several the one where something runs. */
static bool find_shell(const struct engine *engine, const struct target *target, const char *name,
                       struct place *out_place, struct err *err)
{
        struct place any = { 0 };
        struct place busy = { 0 };
        unsigned any_count = 0;
        unsigned busy_count = 0;

        for (size_t i = 0; i < connections_count(engine->connections); i++) {
                struct connection *at = connections_at(engine->connections, i);
                struct shell *shell = NULL;
                if (connection_is_live(at) && connection_matches(at, target))
                        shell = connection_find_shell(at, name);
                if (shell == NULL)
                        continue;
                any = (struct place){ at, shell };
                any_count++;
                if (shell->depth > 0) {
                        busy = any;
                        busy_count++;
                }
        }
        if (any_count == 0)
                return err_set(err, ERR_NOT_FOUND,
                               "No active shell for this session. execute_command opens "
                               "one; list_sessions shows those that are open.");
        if (any_count > 1 && busy_count != 1)
                return err_set(err, ERR_INPUT,
                               "%u open sessions match that host: give username and port as "
                               "list_sessions shows them, or use send_input with the command's id.",
                               any_count);
        *out_place = any_count == 1 ? any : busy;
        return true;
}

bool engine_session_input(struct engine *engine, const struct session_ref *session,
                          const char *bytes, size_t len, command_id *out_id, struct err *err)
{
        const char *name = or_null(session->shell);
        struct str text = { bytes, len };
        struct override override;
        struct target target;
        struct place place = { 0 };

        if (!check_input(len, err) || (name != NULL && !target_check_shell_name(name, err))
            || !parse_reference(engine, session, &target, &override, err))
                return false;
        bool is_found =
                find_shell(engine, &target, name != NULL ? name : SHELL_DEFAULT, &place, err);
        target_fini(&target);
        if (!is_found)
                return false;
        struct command *command = commands_find(engine->commands, shell_top(place.shell));
        bool ok = command != NULL
                          ? connection_input(place.connection, command, text, err)
                          : connection_shell_input(place.connection, place.shell, text, err);
        if (ok)
                *out_id = command != NULL ? command->id : (command_id){ 0 };
        return ok;
}

static bool visit_shells(const struct connection *connection, session_visit *visit, void *arg,
                         bool *out_go_on)
{
        scoped_buf struct buf name;
        bool has_any = false;

        buf_init(&name, 1024);
        list_each(at, &connection_shells(connection)->list)
        {
                const struct shell *shell = list_entry(at, struct shell, node);
                if (shell->state == SHELL_CLOSING)
                        continue;
                has_any = true;
                struct session_info info = connection_describe(connection, shell, &name);
                *out_go_on = visit(arg, &info);
                if (!*out_go_on)
                        break;
        }
        return has_any;
}

void engine_each_session(const struct engine *engine, session_visit *visit, void *arg)
{
        scoped_buf struct buf name;
        bool goes_on = true;

        buf_init(&name, 1024);
        for (size_t i = 0; goes_on && i < connections_count(engine->connections); i++) {
                const struct connection *at = connections_at(engine->connections, i);
                if (!connection_is_live(at) || visit_shells(at, visit, arg, &goes_on))
                        continue;
                struct session_info info = connection_describe(at, NULL, &name);
                goes_on = visit(arg, &info);
        }
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

static unsigned live_count(const struct engine *engine)
{
        unsigned count = 0;

        for (size_t i = 0; i < connections_count(engine->connections); i++)
                count += connection_is_live(connections_at(engine->connections, i));
        return count;
}

/* With a jump host go the hosts behind it. */
static unsigned close_matching(struct engine *engine, const struct target *target,
                               const char *shell_name)
{
        unsigned live_before = live_count(engine);
        unsigned closed = 0;

        for (size_t i = connections_count(engine->connections); i-- > 0;) {
                struct connection *at = connections_at(engine->connections, i);
                if (!connection_is_live(at) || (target != NULL && !connection_matches(at, target)))
                        continue;
                if (shell_name == NULL) {
                        connection_close(at, CLOSE_GRACE_MS);
                        continue;
                }
                struct shell *shell = connection_find_shell(at, shell_name);
                if (shell != NULL) {
                        connection_close_shell(at, shell);
                        closed++;
                }
        }
        return shell_name != NULL ? closed : live_before - live_count(engine);
}

bool engine_close_session(struct engine *engine, const struct session_ref *session,
                          unsigned *out_closed, struct err *err)
{
        const char *name = or_null(session->shell);
        struct override override;
        struct target target;

        if ((name != NULL && !target_check_shell_name(name, err))
            || !parse_reference(engine, session, &target, &override, err))
                return false;
        *out_closed = close_matching(engine, &target, name);
        target_fini(&target);
        return true;
}

unsigned engine_close_all(struct engine *engine)
{
        return close_matching(engine, NULL, NULL);
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
