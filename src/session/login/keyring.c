#include "session/login/keyring.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct kept {
        enum keyring_kind kind;
        char *name;
        struct secret *secret;
};

struct keyring {
        struct kept items[KEYRING_MAX]; /* the oldest first */
        size_t count;
};

struct keyring *keyring_new(void)
{
        return xcalloc(1, sizeof(struct keyring));
}

static void remove_at(struct keyring *keyring, size_t at)
{
        free(keyring->items[at].name);
        secret_free(keyring->items[at].secret);
        keyring->count--;
        memmove(keyring->items + at, keyring->items + at + 1,
                (keyring->count - at) * sizeof *keyring->items);
}

void keyring_free(struct keyring *keyring)
{
        if (keyring == NULL)
                return;
        while (keyring->count > 0)
                remove_at(keyring, keyring->count - 1);
        free(keyring);
}

static size_t find(const struct keyring *keyring, enum keyring_kind kind, const char *name)
{
        size_t at = 0;

        while (at < keyring->count
               && (keyring->items[at].kind != kind || strcmp(keyring->items[at].name, name) != 0))
                at++;
        return at;
}

const struct secret *keyring_find(const struct keyring *keyring, enum keyring_kind kind,
                                  const char *name)
{
        size_t at = find(keyring, kind, name);

        return at < keyring->count ? keyring->items[at].secret : NULL;
}

void keyring_keep(struct keyring *keyring, enum keyring_kind kind, const char *name,
                  const struct secret *secret)
{
        keyring_forget(keyring, kind, name);
        if (keyring->count == KEYRING_MAX)
                remove_at(keyring, 0);
        keyring->items[keyring->count++] = (struct kept){
                .kind = kind,
                .name = xstrdup(name),
                .secret = secret_new(secret_bytes(secret), secret_len(secret)),
        };
}

void keyring_forget(struct keyring *keyring, enum keyring_kind kind, const char *name)
{
        size_t at = find(keyring, kind, name);

        if (at < keyring->count)
                remove_at(keyring, at);
}
