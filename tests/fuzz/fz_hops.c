/* A ProxyJump: what is taken could be handed to ssh as it is, and the list gets shorter each time.
 */
#include "fuzz.h"
#include "session/config/hops.h"

static void check(const struct target *target)
{
        fuzz_check(target_host_is_valid(target->host));
        fuzz_check(target->host[0] != '-' && strpbrk(target->host, " /%@\"'$;\n,") == NULL);
        fuzz_check(target->user == NULL || target_user_is_valid(target->user));
        fuzz_check(target->port >= 0 && target->port <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char *list = xcalloc(1, len + 1);
        struct hop hop = { 0 };
        struct err err = { 0 };
        unsigned count = 0;
        char *rest = NULL;

        memcpy(list, bytes, len);
        while (list != NULL && hops_take_last(list, &hop, &rest, &err)) {
                fuzz_check(++count <= HOPS_MAX && (rest == NULL || strlen(rest) < strlen(list)));
                check(&hop.target);
                hop_fini(&hop);
                free(list);
                list = rest;
                rest = NULL;
        }
        fuzz_check(list == NULL || count == 0); /* the whole list was checked at first */
        free(list);
        return 0;
}
