#pragma once
/*
 * proxy.h - a ProxyCommand: a program of the user's whose stdin and stdout lead to the host.
 *
 * Run as OpenSSH does, by `$SHELL -c "exec COMMAND"`, in a process group of its own, with our
 * environment (the OVRD_ variables were taken out of it at the start). What it says on stderr is
 * kept for errors, the end of it.
 *
 * How it ends: by itself, or proxy_free(): SIGHUP and SIGTERM to its group, SIGKILL
 * PROXY_GRACE_MS later. What is left of the group is killed when the program itself has ended.
 *
 * Process: supervisor.
 * Memory:  proxy_free() may be called at any time, also from inside on_end; it frees itself when
 *          the program was reaped. NULL is fine.
 * Errors:  ERR_SYSTEM: it cannot be started. How it ends is for proxy_write_state().
 * Source:  ssh_config(5), ProxyCommand.
 */
#include "base/buf.h"
#include "base/err.h"

#include <uv.h>

#define PROXY_GRACE_MS 500

struct proxy;

/* It has ended, and proxy_write_state() tells how. Once; never from inside proxy_start(). */
typedef void proxy_ended(void *arg);

/* text: with its tokens filled in. *out_fd: the socket to it, yours. */
bool proxy_start(struct proxy **out_proxy, uv_loop_t *loop, const char *text, proxy_ended *on_end,
                 void *arg, int *out_fd, struct err *err);
void proxy_free(struct proxy *proxy);

bool proxy_has_ended(const struct proxy *proxy);

/* Without its words where they could tell who a host is that an override hides. */
enum proxy_words { PROXY_WORDS_SHOWN, PROXY_WORDS_LEFT_OUT };

/* For people: "its ProxyCommand ended with status 1: …", or what it has said so far; "" nothing. */
void proxy_write_state(const struct proxy *proxy, enum proxy_words words, struct buf *out);
