#include "session/host_key/revoked_keys.h"

#include "base/scoped.h"
#include "session/host_key/key_blob.h"

#include <string.h>

#define BINARY_MAGIC "SSHKRL\n"

static bool is_certificate(struct str type)
{
        return memmem(type.ptr, type.len, "-cert-v0", 8) != NULL;
}

enum revoked_verdict revoked_keys_check(struct str text, struct str blob, unsigned *out_line)
{
        enum revoked_verdict verdict = REVOKED_NO;
        scoped_buf struct buf key;
        struct str line;

        buf_init(&key, KEY_BLOB_MAX);
        if (str_starts(text, BINARY_MAGIC))
                return REVOKED_BINARY;
        for (unsigned number = 1; verdict == REVOKED_NO && str_line(&text, &line); number++) {
                line = str_trim(line);
                if (line.len == 0 || line.ptr[0] == '#')
                        continue;
                struct str type = str_word(&line);
                buf_reset(&key);
                if (is_certificate(type) || !key_blob_parse(type, str_word(&line), &key))
                        verdict = REVOKED_UNREADABLE;
                else if (key.len == blob.len && memcmp(key.data, blob.ptr, blob.len) == 0)
                        verdict = REVOKED_YES;
                *out_line = number;
        }
        return verdict;
}
