#include "session/engine_private.h"

#include "base/scoped.h"

/* The shell that a reference means; of several the one where something runs. */
static bool find_shell(const struct engine *engine, const struct target *target, const char *name,
                       struct engine_place *out_place, struct err *err)
{
        struct engine_place any = { 0 };
        struct engine_place busy = { 0 };
        unsigned any_count = 0;
        unsigned busy_count = 0;

        for (size_t i = 0; i < connections_count(engine->connections); i++) {
                struct connection *at = connections_at(engine->connections, i);
                struct shell *shell = NULL;
                if (connection_is_live(at) && connection_matches(at, target))
                        shell = connection_find_shell(at, name);
                if (shell == NULL)
                        continue;
                any = (struct engine_place){ at, shell };
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

bool engine_find_place(const struct engine *engine, const struct session_ref *session,
                       struct engine_place *out_place, struct err *err)
{
        const char *name = engine_or_null(session->shell);
        struct override override;
        struct target target;

        if ((name != NULL && !target_check_shell_name(name, err))
            || !engine_parse_reference(engine, session, &target, &override, err))
                return false;
        bool is_found =
                find_shell(engine, &target, name != NULL ? name : SHELL_DEFAULT, out_place, err);
        target_fini(&target);
        return is_found;
}

bool engine_session_input(struct engine *engine, const struct session_ref *session,
                          const char *bytes, size_t len, command_id *out_id, struct err *err)
{
        struct str text = { bytes, len };
        struct engine_place place = { 0 };

        if (!engine_check_input(len, err) || !engine_find_place(engine, session, &place, err))
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
        const char *name = engine_or_null(session->shell);
        struct override override;
        struct target target;

        if ((name != NULL && !target_check_shell_name(name, err))
            || !engine_parse_reference(engine, session, &target, &override, err))
                return false;
        *out_closed = close_matching(engine, &target, name);
        target_fini(&target);
        return true;
}

unsigned engine_close_all(struct engine *engine)
{
        return close_matching(engine, NULL, NULL);
}
