/* RevokedHostKeys files and lists of fingerprints: a verdict, and the same one for the same text.
 */
#include "fuzz.h"
#include "session/digest.h"
#include "session/host_key/fingerprints.h"
#include "session/host_key/revoked_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        static const char blob[] = "\0\0\0\x0bssh-ed25519 and no key at all";
        struct str key = { blob, sizeof blob - 1 };
        char *copy = fuzz_copy(bytes, len);
        struct str text = { copy, len };
        char fingerprint[FINGERPRINT_LEN + 1];
        unsigned line = 0;

        enum revoked_verdict verdict = revoked_keys_check(text, key, &line);
        fuzz_check(verdict == REVOKED_NO || verdict == REVOKED_BINARY || line > 0);
        fuzz_check(verdict != REVOKED_BINARY || str_starts(text, "SSHKRL\n"));
        digest_fingerprint(fingerprint, (struct bytes){ key.ptr, key.len });
        fuzz_check(!fingerprints_have(text, fingerprint)
                   || memmem(copy, len, fingerprint, FINGERPRINT_LEN) != NULL);
        if (fingerprints_are_valid(text))
                fuzz_check(len >= FINGERPRINT_LEN && !fingerprints_have(text, "SHA256:"));
        free(copy);
        return 0;
}
