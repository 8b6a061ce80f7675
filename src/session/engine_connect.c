/*
 * From what a call says to a connection: the target, the operator's override for it, the
 * credentials; and connecting for its own sake, with somebody looking on.
 */
#include "session/engine_private.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

const char *engine_or_null(const char *text)
{
        return text != NULL && text[0] != 0 ? text : NULL;
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

bool engine_parse_reference(const struct engine *engine, const struct session_ref *session,
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

bool engine_get_connection(struct engine *engine, const struct run_request *request,
                           const struct target *target, const struct override *override,
                           struct connection **out_connection, struct err *err)
{
        struct connection_spec spec = { .given = request->session.host,
                                        .target = target,
                                        .override = *override };
        struct secret *password = NULL;
        uint64_t id;

        spec.key_filename = spec.override.key != NULL ? spec.override.key
                                                      : engine_or_null(request->key_filename);
        if (engine_or_null(request->password) != NULL
            && !engine_add_secret(engine, request->password, strlen(request->password), err))
                return false;
        if (spec.override.password == NULL && engine_or_null(request->password) != NULL)
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

/* A jump host gets what its own configuration and the operator have for it, and nothing of a call.
 */
bool engine_on_jump(void *arg, struct connection *behind, const struct hop *hop, const char *rest,
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

/* ---- with somebody looking on ---- */

bool engine_connect(struct engine *engine, const struct session_ref *session,
                    const struct connection_watch *watch, uint64_t *out_id, bool *out_is_ready,
                    struct err *err)
{
        struct run_request request = { .session = *session, .key_filename = session->key_filename };
        struct connection *connection = NULL;
        struct override override;
        struct target target;

        if (engine->is_stopping)
                return err_set(err, ERR_STATE, "mcp-ssh-session is stopping.");
        if (engine_or_null(session->key_filename) != NULL
            && !target_check_key_path(session->key_filename, err))
                return false;
        if (!engine_parse_reference(engine, session, &target, &override, err))
                return false;
        bool ok = engine_get_connection(engine, &request, &target, &override, &connection, err);
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

bool engine_keep_sudo_password(struct engine *engine, uint64_t id, const struct secret *password,
                               struct err *err)
{
        struct connection *connection = connections_find(engine->connections, id);
        const struct str bytes = { secret_bytes(password), secret_len(password) };

        if (connection == NULL)
                return err_set(err, ERR_STATE, "the connection has ended; try again");
        return engine_check_sudo_password(bytes.ptr, bytes.len, err)
            && redactor_add(engine->redactor, bytes, err)
            && connection_keep_sudo_password(connection, password, err);
}

const char *engine_last_refused(const struct engine *engine)
{
        return engine->env.last_refused != NULL ? engine->env.last_refused : "";
}
