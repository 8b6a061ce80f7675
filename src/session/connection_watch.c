/*
 * Who looks on while a connection comes about, and what they are told.
 */
#include "session/connection_private.h"

void connection_set_watch(struct connection *connection, const struct connection_watch *watch)
{
        connection->watch = watch;
        if (!connection_has_person(connection)) /* who was asked is gone */
                (void)connection_answer(connection, NULL);
}

/* Its worker was told that nobody is there to ask. */
bool connection_is_past_asking(const struct connection *connection)
{
        return (connection->state == CONNECTION_KEX || connection->state == CONNECTION_AUTH)
               && !connection->may_prompt;
}

bool connection_may_watch(const struct connection *connection, const struct connection_watch *watch,
                          struct err *err)
{
        if (connection->watch != NULL)
                return err_set(err, ERR_STATE, "somebody else is connecting there just now.");
        if (watch->on_prompt != NULL && connection_is_past_asking(connection))
                return err_set(err, ERR_STATE, "a log-in there is under way just now.");
        return true;
}

void connection_tell_step(struct connection *connection, enum connect_step step, const char *text)
{
        if (connection->watch != NULL)
                connection->watch->on_step(connection->watch->arg, step, text);
}

void connection_tell_attempt(struct connection *connection, const char *text)
{
        if (connection->watch != NULL && connection->watch->on_attempt != NULL)
                connection->watch->on_attempt(connection->watch->arg, text);
}

static enum connect_step step_under_way(const struct connection *connection, const struct err *why)
{
        switch (connection->state) {
        case CONNECTION_RESOLVING: return CONNECT_STEP_CONFIG;
        case CONNECTION_DIALING: return CONNECT_STEP_REACH;
        case CONNECTION_KEX:
                if (why->code == ERR_HOST_KEY)
                        return CONNECT_STEP_HOST_KEY;
                return connection->has_identified ? CONNECT_STEP_KEX : CONNECT_STEP_BANNER;
        case CONNECTION_AUTH:
        case CONNECTION_READY:
        case CONNECTION_CLOSING:
        case CONNECTION_GONE: break;
        }
        return CONNECT_STEP_LOG_IN;
}

void connection_tell_failure(struct connection *connection, const struct err *why)
{
        const struct connection_watch *watch = connection->watch;

        connection->watch = NULL; /* nothing follows */
        if (watch != NULL)
                watch->on_failure(watch->arg, step_under_way(connection, why), why);
}
