#pragma once
/*
 * resolver.h - asks OpenSSH what it would do for a host: one run of `ssh -G`.
 *
 * The program is ours to bound: RESOLVER_MS, RESOLVER_OUTPUT_MAX, no stdin, a small environment.
 * Its configuration is the user's own trust domain (Match exec runs there as in a terminal).
 *
 * Process: supervisor.
 * Memory:  source and home must outlive it. resolver_free() may be called at any time, also from
 *          inside done; NULL is fine.
 * Errors:  done gets the config (taken by it) or an error. Called once, never from inside
 *          resolver_start().
 */
#include "session/config/config_source.h"
#include "session/config/home.h"
#include "session/config/ssh_config.h"
#include "session/config/target.h"

#include <uv.h>

#define RESOLVER_MS         5000         /* then it is killed and the connection fails */
#define RESOLVER_OUTPUT_MAX (256 * 1024) /* bytes of output; a real one has 4 KiB */

struct resolver;

/* config is NULL on an error. */
typedef void resolver_done(void *arg, struct ssh_config **config, const struct err *err);

/* jump: as `ssh -J`, which takes the place of a configured ProxyJump or ProxyCommand; NULL: none. */
struct resolver *resolver_start(uv_loop_t *loop, const struct target *target, const char *jump,
                                const struct config_source *source, const struct home *home,
                                resolver_done *done, void *arg);
void resolver_free(struct resolver *resolver);
