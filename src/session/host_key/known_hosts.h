#pragma once
/*
 * known_hosts.h - what one known_hosts file says about one host's key, as OpenSSH reads it.
 *
 * Plain, hashed and wildcard names, negation, [host]:port, @revoked, @cert-authority. A line that
 * makes no sense is passed over, as OpenSSH does.
 *
 * Process: supervisor. Pure.
 */
#include "base/buf.h"

#include <stdbool.h>

/* In order of weight: a later one wins over an earlier one, over all lines and files. */
enum known_verdict {
        KNOWN_UNKNOWN, /* no line names this host */
        KNOWN_CHANGED, /* lines name this host, but with other keys, of whatever type */
        KNOWN_OK,
        KNOWN_REVOKED,
};

struct known_finding {
        enum known_verdict verdict;
        unsigned line;    /* that decided, from 1; 0 for KNOWN_UNKNOWN */
        unsigned ca_line; /* of a @cert-authority that covers the host; 0 none */
};

/* name: "host" or "[host]:port", in lower case; blob: the key as in RFC 4253 6.6. */
struct known_finding known_hosts_check(struct str text, const char *name, struct str blob);

enum key_type {
        KEY_ED25519,
        KEY_ECDSA_256,
        KEY_ECDSA_384,
        KEY_ECDSA_521,
        KEY_RSA,
        KEY_OTHER, /* known to OpenSSH, but not offered by us */
        KEY_TYPES
};

enum key_type known_hosts_type(struct str name); /* KEY_TYPES: OpenSSH knows no such type */

/* Bit (1 << enum key_type) for each type of key that the file has for the host. */
unsigned known_hosts_types(struct str text, const char *name);

/* Told of each line that has the key under other names than but_name. names is borrowed. */
typedef void known_hosts_seen(void *arg, unsigned line, struct str names);
void known_hosts_find_key(struct str text, const char *but_name, struct str blob,
                          known_hosts_seen *seen, void *arg);

/*
 * May a host or an alias be written into a file? Blanks, commas and the characters of patterns
 * and markers would make the line mean something else.
 */
bool known_hosts_may_write(const char *host);

/*
 * Appends the line for a key, with its newline. name: as known_hosts_name() makes it; salt: of
 * SHA1_LEN random bytes, NULL: the name is not hashed. false: no room.
 */
bool known_hosts_write_line(struct buf *out, const char *name, const uint8_t *salt,
                            struct str blob);

/* "host", or "[host]:port" where port is not 22; in lower case; yours, free(). */
char *known_hosts_name(const char *host, int port);
