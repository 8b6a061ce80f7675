#include "session/host_key/host_key_algorithms.h"

#include "base/buf.h"
#include "session/host_key/known_hosts.h"

#define ALGORITHMS_MAX 1024 /* characters of the list for libssh; all names are far fewer */

struct algorithm {
        const char *name;
        enum key_type type;
        bool by_default;
};

/* What libssh can do, in the order of OpenSSH's default. */
static const struct algorithm algorithms[] = {
        { "ssh-ed25519", KEY_ED25519, true },
        { "ecdsa-sha2-nistp256", KEY_ECDSA_256, true },
        { "ecdsa-sha2-nistp384", KEY_ECDSA_384, true },
        { "ecdsa-sha2-nistp521", KEY_ECDSA_521, true },
        { "rsa-sha2-512", KEY_RSA, true },
        { "rsa-sha2-256", KEY_RSA, true },
        { "ssh-rsa", KEY_RSA, false }, /* SHA-1: only where the configuration asks for it */
};

#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)

static const struct algorithm *find_algorithm(struct str name)
{
        for (size_t i = 0; i < ALGORITHMS; i++)
                if (str_is(name, algorithms[i].name))
                        return &algorithms[i];
        return NULL;
}

/* Those of the configured list that libssh can do, in that order; returns how many. */
static size_t pick_configured(const char *configured, const struct algorithm *out[ALGORITHMS])
{
        struct str rest = str_of(configured != NULL ? configured : "");
        struct str name;
        size_t count = 0;

        while (count < ALGORITHMS && str_item(&rest, &name)) {
                const struct algorithm *found = find_algorithm(name);
                if (found != NULL)
                        out[count++] = found;
        }
        return count;
}

static size_t pick_default(const struct algorithm *out[ALGORITHMS])
{
        size_t count = 0;

        for (size_t i = 0; i < ALGORITHMS; i++)
                if (algorithms[i].by_default)
                        out[count++] = &algorithms[i];
        return count;
}

char *host_key_algorithms_for(unsigned known, const char *configured)
{
        const struct algorithm *picked[ALGORITHMS];
        size_t count = pick_configured(configured, picked);
        struct buf list;

        if (count == 0)
                count = pick_default(picked);
        buf_init(&list, ALGORITHMS_MAX);
        for (int want_known = 1; want_known >= 0; want_known--)
                for (size_t i = 0; i < count; i++)
                        if ((int)(known >> picked[i]->type & 1u) == want_known)
                                (void)buf_printf(&list, "%s%s", list.len > 0 ? "," : "",
                                                 picked[i]->name);
        return buf_take(&list);
}
