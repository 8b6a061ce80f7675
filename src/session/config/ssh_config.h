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
#include "session/digest.h"

#include <stdbool.h>

#define CONFIG_FILES_MAX 32 /* identity or known_hosts files; more are left out */
#define CONFIG_WORDS_MAX 64 /* SendEnv patterns or SetEnv assignments; more are left out */

enum address_family { ADDRESS_ANY, ADDRESS_INET, ADDRESS_INET6 };

/* StrictHostKeyChecking. "ask" is strict here, where nobody can be asked. */
enum host_key_policy {
        HOST_KEY_STRICT,
        HOST_KEY_ACCEPT_NEW, /* also for "no" and "off": a changed key is refused all the same */
};

struct file_list {
        char *paths[CONFIG_FILES_MAX];
        unsigned count;
};

struct word_list {
        char *words[CONFIG_WORDS_MAX];
        unsigned count;
};

struct ssh_config {
        uint8_t print[SHA256_LEN]; /* of all that was said, but for host, user and port */

        char *hostname;
        char *user;
        int port;
        enum address_family family;
        char *bind_address;   /* NULL: any */
        char *bind_interface; /* NULL: any */
        int connect_timeout_s; /* 0: not set */

        char *proxy_jump;    /* NULL: none; "[user@]host[:port],…", the nearest to us first */
        char *proxy_command; /* NULL: none; with its %-tokens */
        bool proxy_passes_fd; /* ProxyUseFdpass */

        struct file_list user_known_hosts;
        struct file_list global_known_hosts;
        struct file_list revoked_host_keys;
        char *host_key_alias;    /* NULL: not set */
        enum host_key_policy host_key_policy;
        bool host_key_checks_off; /* StrictHostKeyChecking is "no" or "off" */
        bool hash_known_hosts;

        char *host_key_algorithms; /* these five NULL: not set */
        char *kex_algorithms;
        char *ciphers;
        char *macs;
        char *public_key_algorithms;
        int rsa_min_bits; /* 0: not set */
        bool compression;

        struct file_list identities;
        struct file_list certificates;
        bool identities_only;
        char *identity_agent; /* NULL: not set; "none", "SSH_AUTH_SOCK", "$VAR" or a path */
        char *auth_methods;   /* PreferredAuthentications; NULL: OpenSSH's order */
        bool no_public_keys;  /* PubkeyAuthentication no, and so on */
        bool no_passwords;
        bool no_interactive;
        int password_prompts; /* NumberOfPasswordPrompts */

        int keepalive_s; /* 0: not set */
        int keepalive_count;
        struct word_list send_env; /* patterns of names */
        struct word_list set_env;  /* "NAME=value" */

        char *not_honoured; /* NULL: nothing; keywords that are set and have no effect here */
        bool is_fallback;   /* from config_reader.h, for want of an ssh program */
};

bool ssh_config_parse(struct ssh_config **out_config, struct str text, struct err *err);

void ssh_config_free(struct ssh_config *config);
