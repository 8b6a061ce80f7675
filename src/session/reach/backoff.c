#include "session/reach/backoff.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct failing {
        char *host; /* NULL: free */
        int64_t failed_ms;
        int64_t pause_ms;
        unsigned count;
};

struct backoff {
        struct failing hosts[BACKOFF_HOSTS];
};

struct backoff *backoff_new(void)
{
        return xcalloc(1, sizeof(struct backoff));
}

void backoff_free(struct backoff *backoff)
{
        if (backoff == NULL)
                return;
        for (unsigned i = 0; i < BACKOFF_HOSTS; i++)
                free(backoff->hosts[i].host);
        free(backoff);
}

static const struct failing *find(const struct backoff *backoff, const char *host)
{
        for (unsigned i = 0; i < BACKOFF_HOSTS; i++)
                if (backoff->hosts[i].host != NULL && strcmp(backoff->hosts[i].host, host) == 0)
                        return &backoff->hosts[i];
        return NULL;
}

int64_t backoff_wait_ms(const struct backoff *backoff, const char *host, int64_t now_ms)
{
        const struct failing *at = find(backoff, host);
        int64_t left = at != NULL ? at->failed_ms + at->pause_ms - now_ms : 0;

        return left > 0 ? left : 0;
}

/* Its own, a free one, or that of the host whose failure is the longest ago. */
static struct failing *place_for(struct backoff *backoff, const char *host)
{
        struct failing *oldest = &backoff->hosts[0];

        for (unsigned i = 0; i < BACKOFF_HOSTS; i++) {
                struct failing *at = &backoff->hosts[i];
                if (at->host != NULL && strcmp(at->host, host) == 0)
                        return at;
                if (oldest->host != NULL && (at->host == NULL || at->failed_ms < oldest->failed_ms))
                        oldest = at;
        }
        free(oldest->host);
        *oldest = (struct failing){ .host = xstrdup(host) };
        return oldest;
}

unsigned backoff_failed(struct backoff *backoff, const char *host, int64_t now_ms,
                        int64_t *out_pause_ms)
{
        struct failing *at = place_for(backoff, host);

        at->failed_ms = now_ms;
        at->pause_ms = at->count == 0 ? BACKOFF_FIRST_MS : at->pause_ms * 2;
        if (at->pause_ms > BACKOFF_MAX_MS)
                at->pause_ms = BACKOFF_MAX_MS;
        at->count++;
        *out_pause_ms = at->pause_ms;
        return at->count;
}

void backoff_succeeded(struct backoff *backoff, const char *host)
{
        for (unsigned i = 0; i < BACKOFF_HOSTS; i++) {
                struct failing *at = &backoff->hosts[i];
                if (at->host == NULL || strcmp(at->host, host) != 0)
                        continue;
                free(at->host);
                *at = (struct failing){ 0 };
        }
}
