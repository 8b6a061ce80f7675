#include "session/engine_private.h"

#include "base/scoped.h"
#include "session/terminal/keys.h"

bool engine_read_screen(struct engine *engine, const struct session_ref *session,
                        const struct screen_request *request, screen_done *done, void *arg,
                        uint64_t *out_ticket, command_id *out_command, struct err *err)
{
        struct engine_place place = { 0 };
        uint64_t ticket;
        struct wire_screen_read read = {
                .scrollback = request->scrollback,
                .since = request->since,
                .columns = request->columns,
                .rows = request->rows,
                .limit_ms = (uint32_t)request->wait_ms,
                .quiet_ms = SCREEN_QUIET_MS,
        };

        if (!engine_find_place(engine, session, &place, err))
                return false;
        scoped_free char *name = connection_session_name(place.connection, place.shell->name);
        const struct screens_place where = { connection_id(place.connection), place.shell->id, name };
        if (!screens_add(engine->screens, &where, &read, done, arg, &ticket, err))
                return false;
        read.ticket = ticket;
        if (!connection_read_screen(place.connection, place.shell, &read, err)) {
                screens_cancel(engine->screens, ticket);
                return false;
        }
        *out_ticket = ticket;
        *out_command = shell_top(place.shell);
        return true;
}

void engine_cancel_screen(struct engine *engine, uint64_t ticket)
{
        screens_cancel(engine->screens, ticket);
}

bool engine_send_keys(struct engine *engine, const struct session_ref *session, const char *keys,
                      size_t len, struct err *err)
{
        struct str text = { keys, len };
        struct engine_place place = { 0 };
        scoped_buf struct buf normal;
        scoped_buf struct buf application;

        buf_init(&normal, 2 * KEYS_BYTES_MAX);
        buf_init(&application, 2 * KEYS_BYTES_MAX);
        if (!keys_write(&normal, text, KEYS_NORMAL, err)
            || !keys_write(&application, text, KEYS_APPLICATION, err)
            || !engine_find_place(engine, session, &place, err))
                return false;
        return connection_send_keys(place.connection, place.shell, buf_str(&normal),
                                    buf_str(&application), err);
}
