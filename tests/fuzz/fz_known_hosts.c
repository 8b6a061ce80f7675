/* A known_hosts file: whatever stands in it, a verdict; and never OK for a key that is not there.
 */
#include "fuzz.h"
#include "session/digest.h"
#include "session/host_key/key_blob.h"
#include "session/host_key/known_hosts.h"

/* A name is part of one line. */
static void on_seen(void *arg, unsigned line, struct str names)
{
        (void)arg;
        fuzz_check(line > 0 && memchr(names.ptr, '\n', names.len) == NULL);
}

/* What is written is one line, and read back as the same key. */
static void write_and_read(struct str blob, size_t number)
{
        uint8_t salt[SHA1_LEN] = { (uint8_t)number };
        struct buf line;

        if (known_hosts_type(key_blob_type(blob)) == KEY_TYPES)
                return;
        buf_init(&line, 4 * KEY_BLOB_MAX);
        if (known_hosts_write_line(&line, "[web]:2222", number % 2 == 0 ? salt : NULL, blob)
            && blob.len <= KEY_BLOB_MAX) {
                fuzz_check(memchr(line.data, '\n', line.len) == line.data + line.len - 1);
                fuzz_check(known_hosts_check(buf_str(&line), "[web]:2222", blob).verdict
                           == KNOWN_OK);
        }
        buf_fini(&line);
}

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
        known_hosts_find_key(file, "web", key, on_seen, &found);
        write_and_read(key, len);
        write_and_read((struct str){ text, len }, len);
        free(text);
        return 0;
}
