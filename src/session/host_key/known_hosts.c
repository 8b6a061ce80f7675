#include "session/host_key/known_hosts.h"

#include "base/alloc.h"
#include "base/pattern.h"
#include "base/scoped.h"
#include "session/digest.h"
#include "session/host_key/key_blob.h"

#include <ctype.h>
#include <string.h>

#define PATTERN_MAX 1024 /* characters; OpenSSH gives up a list at the same length */

enum marker { MARKER_NONE, MARKER_CA, MARKER_REVOKED, MARKER_BAD };

struct entry {
        enum marker marker;
        struct str names;
        struct str type;
        struct str key; /* base64 */
};

enum key_type known_hosts_type(struct str name)
{
        static const struct {
                const char *name;
                enum key_type type;
        } types[] = {
                { "ssh-ed25519", KEY_ED25519 },
                { "ecdsa-sha2-nistp256", KEY_ECDSA_256 },
                { "ecdsa-sha2-nistp384", KEY_ECDSA_384 },
                { "ecdsa-sha2-nistp521", KEY_ECDSA_521 },
                { "ssh-rsa", KEY_RSA },
                { "ssh-dss", KEY_OTHER },
                { "sk-ssh-ed25519@openssh.com", KEY_OTHER },
                { "sk-ecdsa-sha2-nistp256@openssh.com", KEY_OTHER },
        };

        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
                if (str_is(name, types[i].name))
                        return types[i].type;
        return KEY_TYPES;
}

static enum marker take_marker(struct str *line)
{
        struct str rest = *line;
        struct str word = str_word(&rest);

        if (!str_starts(word, "@"))
                return MARKER_NONE;
        *line = rest;
        if (str_is(word, "@cert-authority"))
                return MARKER_CA;
        return str_is(word, "@revoked") ? MARKER_REVOKED : MARKER_BAD;
}

static bool parse_line(struct str line, struct entry *out)
{
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
                return false;
        out->marker = take_marker(&line);
        out->names = str_word(&line);
        out->type = str_word(&line);
        out->key = str_word(&line);
        return out->marker != MARKER_BAD && out->key.len > 0;
}

/* name is in lower case; so, as it were, are the patterns. */
static bool matches_list(const char *name, struct str list)
{
        scoped_buf struct buf lower;
        struct str pattern;
        bool is_match = false;

        buf_init(&lower, PATTERN_MAX);
        while (str_item(&list, &pattern)) {
                buf_reset(&lower);
                if (!buf_append(&lower, pattern.ptr, pattern.len))
                        return false;
                for (size_t i = 0; i < lower.len; i++)
                        lower.data[i] = (uint8_t)tolower(lower.data[i]);
                if (!pattern_weigh(buf_str(&lower), str_of(name), &is_match))
                        return false;
        }
        return is_match;
}

static bool matches_hash(const char *name, struct str hashed)
{
        scoped_buf struct buf salt;
        scoped_buf struct buf hash;
        uint8_t mac[SHA1_LEN];

        buf_init(&salt, SHA1_LEN);
        buf_init(&hash, SHA1_LEN);
        struct str rest = { hashed.ptr + 3, hashed.len - 3 };
        const char *bar = memchr(rest.ptr, '|', rest.len);
        if (bar == NULL)
                return false;
        struct str salt_text = { rest.ptr, (size_t)(bar - rest.ptr) };
        struct str hash_text = { bar + 1, rest.len - salt_text.len - 1 };
        if (!key_blob_from_base64(salt_text, &salt) || !key_blob_from_base64(hash_text, &hash)
            || salt.len != SHA1_LEN || hash.len != SHA1_LEN)
                return false;
        digest_hmac_sha1(mac, (struct bytes){ salt.data, SHA1_LEN },
                         (struct bytes){ name, strlen(name) });
        return memcmp(mac, hash.data, SHA1_LEN) == 0;
}

static bool names_match(const struct entry *entry, const char *name)
{
        if (str_starts(entry->names, "|"))
                return str_starts(entry->names, "|1|") && matches_hash(name, entry->names);
        return matches_list(name, entry->names);
}

static bool decode_key(const struct entry *entry, struct buf *out_blob)
{
        return known_hosts_type(entry->type) != KEY_TYPES
               && key_blob_parse(entry->type, entry->key, out_blob);
}

static enum known_verdict verdict_of(const struct entry *entry, bool is_same_key)
{
        if (entry->marker == MARKER_REVOKED)
                return is_same_key ? KNOWN_REVOKED : KNOWN_UNKNOWN;
        return is_same_key ? KNOWN_OK : KNOWN_CHANGED;
}

struct known_finding known_hosts_check(struct str text, const char *name, struct str blob)
{
        struct known_finding found = { .verdict = KNOWN_UNKNOWN };
        scoped_buf struct buf key;
        struct str line;
        struct entry entry;

        buf_init(&key, KEY_BLOB_MAX);
        for (unsigned number = 1; str_line(&text, &line); number++) {
                if (!parse_line(line, &entry) || !names_match(&entry, name))
                        continue;
                buf_reset(&key);
                if (!decode_key(&entry, &key))
                        continue;
                if (entry.marker == MARKER_CA) {
                        found.ca_line = number;
                        continue;
                }
                bool is_same = key.len == blob.len && memcmp(key.data, blob.ptr, blob.len) == 0;
                enum known_verdict verdict = verdict_of(&entry, is_same);
                if (verdict > found.verdict) {
                        found.verdict = verdict;
                        found.line = number;
                }
        }
        return found;
}

unsigned known_hosts_types(struct str text, const char *name)
{
        scoped_buf struct buf key;
        unsigned types = 0;
        struct str line;
        struct entry entry;

        buf_init(&key, KEY_BLOB_MAX);
        while (str_line(&text, &line)) {
                if (!parse_line(line, &entry) || entry.marker != MARKER_NONE
                    || !names_match(&entry, name))
                        continue;
                buf_reset(&key);
                if (decode_key(&entry, &key))
                        types |= 1u << known_hosts_type(entry.type);
        }
        return types;
}

void known_hosts_find_key(struct str text, const char *but_name, struct str blob,
                          known_hosts_seen *seen, void *arg)
{
        scoped_buf struct buf key;
        struct str line;
        struct entry entry;

        buf_init(&key, KEY_BLOB_MAX);
        for (unsigned number = 1; str_line(&text, &line); number++) {
                if (!parse_line(line, &entry) || entry.marker != MARKER_NONE
                    || names_match(&entry, but_name))
                        continue;
                buf_reset(&key);
                if (decode_key(&entry, &key) && key.len == blob.len
                    && memcmp(key.data, blob.ptr, blob.len) == 0)
                        seen(arg, number,
                             str_starts(entry.names, "|") ? str_of("[hashed name]") : entry.names);
        }
}

bool known_hosts_may_write(const char *host)
{
        return host[0] != 0 && strcspn(host, "@?*#[]|'\"\\!, \t\r\n") == strlen(host);
}

static bool write_name(struct buf *out, const char *name, const uint8_t *salt)
{
        uint8_t mac[SHA1_LEN];

        if (salt == NULL)
                return buf_append_str(out, name);
        digest_hmac_sha1(mac, (struct bytes){ salt, SHA1_LEN },
                         (struct bytes){ name, strlen(name) });
        return buf_append_str(out, "|1|")
               && key_blob_to_base64((struct str){ (const char *)salt, SHA1_LEN }, out)
               && buf_append_byte(out, '|')
               && key_blob_to_base64((struct str){ (const char *)mac, SHA1_LEN }, out);
}

bool known_hosts_write_line(struct buf *out, const char *name, const uint8_t *salt, struct str blob)
{
        struct str type = key_blob_type(blob);

        return write_name(out, name, salt) && buf_append_byte(out, ' ')
               && buf_append(out, type.ptr, type.len) && buf_append_byte(out, ' ')
               && key_blob_to_base64(blob, out) && buf_append_byte(out, '\n');
}

char *known_hosts_name(const char *host, int port)
{
        char *name = port == 22 ? xstrdup(host) : xasprintf("[%s]:%d", host, port);

        for (char *at = name; *at != 0; at++)
                *at = (char)tolower((unsigned char)*at);
        return name;
}
