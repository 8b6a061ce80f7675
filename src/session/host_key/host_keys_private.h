#pragma once
/*
 * host_keys_private.h - the inside of host keys, for the two files that are one (host_keys.h).
 *
 * Process: supervisor.
 */
#include "base/buf.h"
#include "session/host_key/host_keys.h"
#include "session/host_key/known_hosts.h"

#define HOST_KEY_FILES_MAX (2 * CONFIG_FILES_MAX) /* all that a configuration may name */

struct known_file {
        char *path;
        struct buf text;
};

struct host_keys {
        char *name;          /* "host" or "[host]:port", or the alias */
        char *plain_name;    /* without the port; NULL when name has none */
        char *trust_command; /* what a person runs to look at the key and to add it */
        char *ssh_command;   /* the same with ssh; NULL: it would not be safe to paste */
        char *pins;          /* NULL: none */
        char *add_to; /* first of the user's files; NULL: none, or the name cannot be written */
        bool hash_names;
        const struct home *home; /* not ours */
        struct known_file files[HOST_KEY_FILES_MAX];
        unsigned count;
        struct known_file revoked[CONFIG_FILES_MAX];
        unsigned revoked_count;
};

struct place_found {
        struct known_finding finding;
        const struct known_file *file; /* that decided, NULL none */
};

/* All return false. shown: type and fingerprint of the key. */
bool host_keys_refuse(const struct host_keys *keys, const struct place_found *found,
                      const char *shown, struct err *err);
bool host_keys_refuse_pinned(const struct host_keys *keys, const char *shown, struct err *err);
bool host_keys_refuse_revoked(const struct host_keys *keys, const char *path, unsigned line,
                              const char *shown, struct err *err);

/* Advice, see struct host_keys; yours, free(). */
char *host_keys_make_trust_command(const struct host_keys_place *place);
char *host_keys_make_ssh_command(const struct host_keys_place *place, const char *add_to,
                                 const struct home *home);
