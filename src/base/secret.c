#include "base/secret.h"

#include "base/log.h"

#include <string.h>
#include <sys/mman.h>

struct secret {
        size_t mapped; /* bytes of the mapping that starts here */
        size_t len;
        char bytes[];
};

void secret_wipe(void *bytes, size_t len)
{
        volatile unsigned char *at = bytes;

        while (len-- > 0)
                *at++ = 0;
}

struct secret *secret_new_blank(size_t len)
{
        size_t mapped = sizeof(struct secret) + len + 1;
        const int access = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_ANONYMOUS;
        /* cppcheck-suppress invalidFunctionArg ; -1 is what MAP_ANONYMOUS wants */
        struct secret *secret = mmap(NULL, mapped, access, kind, -1, 0);

        if (secret == MAP_FAILED)
                bug("no memory for a secret of %zu bytes", len);
        (void)mlock(secret, mapped); /* refused over RLIMIT_MEMLOCK: the secret may then be swapped */
#ifdef MADV_DONTDUMP
        (void)madvise(secret, mapped, MADV_DONTDUMP);
#endif
        secret->mapped = mapped;
        secret->len = len;
        return secret;
}

struct secret *secret_new(const void *bytes, size_t len)
{
        struct secret *secret = secret_new_blank(len);

        if (len > 0)
                memcpy(secret->bytes, bytes, len);
        return secret;
}

void secret_free(struct secret *secret)
{
        if (secret == NULL)
                return;
        size_t mapped = secret->mapped;
        secret_wipe(secret, mapped);
        (void)munmap(secret, mapped);
}

const char *secret_bytes(const struct secret *secret)
{
        return secret->bytes;
}

void *secret_room(struct secret *secret)
{
        return secret->bytes;
}

size_t secret_len(const struct secret *secret)
{
        return secret->len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
        unsigned char differs = 0;

        if (a == NULL || b == NULL)
                return a == b;
        if (a->len != b->len)
                return false;
        for (size_t i = 0; i < a->len; i++)
                differs |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
        return differs == 0;
}
