#include "session/command/losses.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct loss {
        char *session; /* NULL: free */
        char *why;
};

struct losses {
        struct loss items[LOSSES_MAX]; /* a ring */
        unsigned next;
};

struct losses *losses_new(void)
{
        return xcalloc(1, sizeof(struct losses));
}

void losses_free(struct losses *losses)
{
        if (losses == NULL)
                return;
        for (unsigned i = 0; i < LOSSES_MAX; i++) {
                free(losses->items[i].session);
                free(losses->items[i].why);
        }
        free(losses);
}

char *losses_take(struct losses *losses, const char *session)
{
        for (unsigned i = 0; i < LOSSES_MAX; i++) {
                struct loss *at = &losses->items[i];
                if (at->session == NULL || strcmp(at->session, session) != 0)
                        continue;
                char *why = at->why;
                free(at->session);
                *at = (struct loss){ 0 };
                return why;
        }
        return NULL;
}

void losses_remember(struct losses *losses, const char *session, const char *why)
{
        free(losses_take(losses, session));
        struct loss *at = &losses->items[losses->next];
        losses->next = (losses->next + 1) % LOSSES_MAX;
        free(at->session);
        free(at->why);
        *at = (struct loss){ xstrdup(session), xstrdup(why) };
}
