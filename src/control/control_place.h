#pragma once
/*
 * control_place.h - where the control sockets of a user's running servers are: PID.sock in a
 * directory of mode 0700 that is the user's own, and no link.
 *
 * $XDG_RUNTIME_DIR/mcp-ssh-session, else /run/user/UID/mcp-ssh-session (an MCP client seldom
 * passes the variable on), else /tmp/mcp-ssh-session-UID. Who looks for a server looks in all.
 * MCP_SSH_CONTROL_DIR names another directory, which is then the only one.
 *
 * Process: supervisor and the login command. Nothing blocks.
 * Errors:  ERR_SYSTEM.
 */
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define CONTROL_SOCKETS_MAX 64 /* looked at in one directory; more are not found */

/* The directory for a server's socket, made if it was not there. Yours, free(). */
bool control_place_make(char **out_directory, struct err *err);

/* Calls visit for each socket there is, until it returns false. */
typedef bool control_socket_visit(void *arg, const char *path, pid_t pid);
void control_place_each(control_socket_visit *visit, void *arg);

char *control_socket_path(const char *directory, pid_t pid); /* yours, free() */

/*
 * A blocking, close-on-exec connection to a server of the same user; -1: nobody answers there. A
 * socket that a dead process left behind is removed.
 */
int control_socket_connect(const char *path, pid_t pid);

/* Is the process at the other end of this Unix socket the same user's? */
bool control_peer_is_same_user(int fd);
