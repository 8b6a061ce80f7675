#pragma once
/*
 * target.h - which machine a call means: the grammar of host, user, port, and of other names.
 *
 * Nothing that does not fit the grammar reaches `ssh -G`, a resolver or a log line.
 *
 * Process: supervisor. Pure.
 * Memory:  a target owns its texts; target_fini() accepts zeroed memory.
 * Errors:  ERR_INPUT; the text says what would do.
 */
#include "base/err.h"

#include <stdbool.h>

#define TARGET_HOST_MAX 253        /* characters of a DNS name */
#define TARGET_USER_MAX 64         /* characters */
#define SHELL_NAME_MAX  64         /* characters */
#define KEY_PATH_MAX    (4 * 1024) /* bytes, PATH_MAX of Linux */
#define SHELL_DEFAULT   "default"

struct target {
        char *host; /* without brackets; as it was said: `Host Web1` is another than web1 */
        char *user; /* NULL: not given */
        int port;   /* 0: not given */
};

/*
 * host: name, address, user@host, user@host:port, [v6]:port. username ("" or NULL) and port (0)
 * may say the same again but nothing else.
 */
bool target_parse(struct target *out_target, const char *host, const char *username, int port,
                  struct err *err);
void target_fini(struct target *target);

bool target_host_is_valid(const char *host);
bool target_user_is_valid(const char *user);
bool target_check_shell_name(const char *name, struct err *err);
bool target_check_key_path(const char *path, struct err *err);

/* "user@host:port", with brackets around an IPv6 address; yours, free(). */
char *target_name(const char *user, const char *host, int port);
