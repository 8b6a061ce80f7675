/* host, NUL, user: what is taken could be handed to ssh as it is. */
#include "fuzz.h"
#include "session/config/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char *text = xcalloc(1, len + 2);
        struct target target = { 0 };
        struct err err = { 0 };

        memcpy(text, bytes, len);
        if (target_parse(&target, text, text + strlen(text) + 1, 0, &err)) {
                if (target.host[0] == '-' || strpbrk(target.host, " /%@\"'$;\n") != NULL
                    || (target.user != NULL
                        && (target.user[0] == '-' || strpbrk(target.user, " /%\"'$;\n") != NULL)))
                        abort();
                target_fini(&target);
        }
        free(text);
        return 0;
}
