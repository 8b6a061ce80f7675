#include "session/reach/sockets.h"

#include "base/alloc.h"
#include "base/fault.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define USER_TIMEOUT_MS   30000 /* sent and not acknowledged for so long: the connection is dead */
#define KEEPALIVE_AFTER_S 15
#define KEEPALIVE_EVERY_S 5
#define KEEPALIVE_COUNT   3

bool socket_prepare(int fd)
{
        int flags = fcntl(fd, F_GETFL);

#ifdef SO_NOSIGPIPE
        int on = 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on,
                         sizeof on); /* main() ignores it anyway */
#endif
        return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0
               && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

bool socket_pair(int out_ends[2], struct err *err)
{
        int ends[2];

        if (fault_hit() || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
                return err_set(err, ERR_SYSTEM, "no socket pair: %s", strerror(errno));
        if (!socket_prepare(ends[0]) || !socket_prepare(ends[1])) {
                (void)close(ends[0]);
                (void)close(ends[1]);
                return err_set(err, ERR_SYSTEM, "no socket pair: %s", strerror(errno));
        }
        memcpy(out_ends, ends, sizeof ends);
        return true;
}

char *socket_peer(int fd)
{
        struct sockaddr_storage peer = { 0 };
        socklen_t len = sizeof peer;
        char text[INET6_ADDRSTRLEN] = "";
        const char *shown = NULL;

        if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
                return NULL;
        if (peer.ss_family == AF_INET)
                shown = inet_ntop(AF_INET, &((struct sockaddr_in *)&peer)->sin_addr, text,
                                  sizeof text);
        else if (peer.ss_family == AF_INET6)
                shown = inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&peer)->sin6_addr, text,
                                  sizeof text);
        return shown != NULL ? xstrdup(shown) : NULL;
}

static void set(int fd, int level, int option, int value)
{
        (void)setsockopt(fd, level, option, &value,
                         sizeof value); /* a worse connection still works */
}

void socket_tune_tcp(int fd)
{
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_AFTER_S);
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
#endif
#ifdef TCP_USER_TIMEOUT
        set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
#endif
}
