#pragma once
/*
 * sandbox.h - locks the worker in: from then on it can talk through the fds it has, and nothing else.
 *
 * no_new_privs; Landlock (no file, no new connection); seccomp (the system calls that libssh and
 * our loop need; everything else fails with EPERM); resource limits. Each is tried, what the
 * kernel lacks is left out.
 *
 * Sources: landlock(7), seccomp(2), prctl(2) PR_SET_NO_NEW_PRIVS.
 * Process: worker, before the first byte from the host is read. Cannot be undone.
 */
#include <stdint.h>

/* Returns the WIRE_SANDBOX_… bits of what is in force. */
uint32_t sandbox_enter(void);
