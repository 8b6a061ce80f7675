#include "session/login/auth_limits.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct limited {
        char *host;                           /* NULL: free */
        int64_t failed_ms[AUTH_FAILURES_MAX]; /* newest first; 0 none */
};

struct auth_limits {
        struct limited hosts[AUTH_LIMITED_HOSTS];
};

struct auth_limits *auth_limits_new(void)
{
        return xcalloc(1, sizeof(struct auth_limits));
}

void auth_limits_free(struct auth_limits *limits)
{
        if (limits == NULL)
                return;
        for (unsigned i = 0; i < AUTH_LIMITED_HOSTS; i++)
                free(limits->hosts[i].host);
        free(limits);
}

static const struct limited *find(const struct auth_limits *limits, const char *host)
{
        for (unsigned i = 0; i < AUTH_LIMITED_HOSTS; i++)
                if (limits->hosts[i].host != NULL && strcmp(limits->hosts[i].host, host) == 0)
                        return &limits->hosts[i];
        return NULL;
}

bool auth_limits_allow(const struct auth_limits *limits, const char *host, int64_t now_ms,
                       struct err *err)
{
        const struct limited *found = find(limits, host);

        if (found == NULL)
                return true;
        int64_t oldest = found->failed_ms[AUTH_FAILURES_MAX - 1];
        if (oldest == 0 || now_ms - oldest >= AUTH_WINDOW_MS)
                return true;
        return err_set(
                err, ERR_AUTH,
                "%d log-ins to %s failed within %d minutes, so it is not tried again for another "
                "%d s, lest the host locks the account. Check user, key and password meanwhile.",
                AUTH_FAILURES_MAX, host, (int)(AUTH_WINDOW_MS / 60000),
                (int)((AUTH_WINDOW_MS - (now_ms - oldest) + 999) / 1000));
}

/* A free place, or that of the host whose last failure is the longest ago. */
static struct limited *place_for(struct auth_limits *limits, const char *host)
{
        struct limited *oldest = &limits->hosts[0];

        for (unsigned i = 0; i < AUTH_LIMITED_HOSTS; i++) {
                struct limited *at = &limits->hosts[i];
                if (at->host != NULL && strcmp(at->host, host) == 0)
                        return at;
                if (oldest->host != NULL
                    && (at->host == NULL || at->failed_ms[0] < oldest->failed_ms[0]))
                        oldest = at;
        }
        free(oldest->host);
        *oldest = (struct limited){ .host = xstrdup(host) };
        return oldest;
}

void auth_limits_failed(struct auth_limits *limits, const char *host, int64_t now_ms)
{
        struct limited *at = place_for(limits, host);

        memmove(at->failed_ms + 1, at->failed_ms, sizeof at->failed_ms - sizeof at->failed_ms[0]);
        at->failed_ms[0] = now_ms;
}

void auth_limits_succeeded(struct auth_limits *limits, const char *host)
{
        for (unsigned i = 0; i < AUTH_LIMITED_HOSTS; i++) {
                struct limited *at = &limits->hosts[i];
                if (at->host == NULL || strcmp(at->host, host) != 0)
                        continue;
                free(at->host);
                *at = (struct limited){ 0 };
        }
}
