#pragma once
/*
 * ssh_config.h - what OpenSSH would do for a host: the output of `ssh -G`, parsed.
 *
 * Process: supervisor. Pure.
 * Memory:  a config owns its texts; ssh_config_free() accepts NULL.
 * Errors:  ERR_CONNECT for an output that lacks what every ssh prints or holds what does not fit
 *          the grammar; unknown keywords are passed over.
 */
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define CONFIG_FILES_MAX 32 /* identity or known_hosts files; more are left out */

enum address_family { ADDRESS_ANY, ADDRESS_INET, ADDRESS_INET6 };

struct file_list {
        char *paths[CONFIG_FILES_MAX];
        unsigned count;
};

struct ssh_config {
        char *hostname;
        char *user;
        int port;
        struct file_list identities;
        struct file_list user_known_hosts;
        struct file_list global_known_hosts;
        bool identities_only;
        bool no_public_keys; /* PubkeyAuthentication no */
        bool compression;
        char *identity_agent;      /* NULL: not set; "none", "SSH_AUTH_SOCK", "$VAR" or a path */
        char *host_key_alias;      /* NULL: not set */
        char *host_key_algorithms; /* NULL: not set */
        char *proxy_jump;          /* NULL: none */
        char *proxy_command;       /* NULL: none */
        int connect_timeout_s;     /* 0: not set */
        int keepalive_s;           /* 0: not set */
        int keepalive_count;
        enum address_family family;
        bool is_fallback; /* not from ssh, see ssh_config_fallback() */
};

bool ssh_config_parse(struct ssh_config **out_config, struct str text, struct err *err);

/* Without an ssh program: the host as it was given, OpenSSH's default files. */
struct ssh_config *ssh_config_fallback(const char *host, const char *user, int port);

void ssh_config_free(struct ssh_config *config);
