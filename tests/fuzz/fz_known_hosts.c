/* A known_hosts file: whatever stands in it, a verdict; and never OK for a key that is not there.
 */
#include "fuzz.h"
#include "session/known_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        static const char blob[] = "\0\0\0\x0bssh-ed25519 and no key at all";
        char *text = fuzz_copy(bytes, len);
        struct str file = { text, len };
        struct str key = { blob, sizeof blob - 1 };
        struct known_finding found = known_hosts_check(file, "[web]:2222", key);

        if ((found.verdict == KNOWN_UNKNOWN) != (found.line == 0))
                abort();
        if (known_hosts_types(file, "[web]:2222") != 0 && found.verdict == KNOWN_UNKNOWN)
                abort();
        (void)known_hosts_check(file, "web", key);
        free(text);
        return 0;
}
