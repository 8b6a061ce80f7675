/*
 * The zygote blocks in poll() on two things: the socket to the supervisor and a pipe that its
 * SIGCHLD handler writes to. It holds no secret and parses nothing but records of its supervisor.
 *
 * How it ends: the supervisor's end of the socket closes (or the supervisor dies); the workers
 * that are left are killed and reaped, then it exits.
 */
#include "worker/zygote.h"

#include "base/log.h"
#include "base/scoped.h"
#include "wire/spawn.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define WORKERS_MAX 1024 /* at once; one more fork is refused with EAGAIN */

struct child {
        uint64_t id; /* 0: free */
        pid_t pid;
};

struct zygote {
        int socket;
        int signals[2]; /* pipe: a byte for each SIGCHLD */
        struct child children[WORKERS_MAX];
};

static int signal_fd = -1; /* a signal handler can be given nothing else */

static void on_child_signal(int number)
{
        int saved = errno;

        (void)number;
        (void)!write(signal_fd, "", 1); /* full: a byte is in it already, which is enough */
        errno = saved;
}

static void name_process(const char *name)
{
#ifdef __linux__
        (void)prctl(PR_SET_NAME, name, 0, 0, 0); /* for ps only */
#else
        (void)name;
#endif
}

static void report(const struct zygote *zygote, struct spawn_record record)
{
        /* the supervisor is gone: the next read of the socket ends us */
        (void)send(zygote->socket, &record, sizeof record, MSG_NOSIGNAL);
}

static bool receive_all(int fd, void *out, size_t len)
{
        char *at = out;

        while (len > 0) {
                ssize_t n = recv(fd, at, len, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                at += n;
                len -= (size_t)n;
        }
        return true;
}

/* The byte that carries the fds of a SPAWN_MAKE. */
static bool receive_fds(int fd, int *out_fds, size_t count)
{
        char byte;
        struct iovec iovec = { &byte, 1 };
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(SPAWN_FDS_MAX * sizeof(int))];
        } control;
        struct msghdr message = {
                .msg_iov = &iovec,
                .msg_iovlen = 1,
                .msg_control = control.space,
                .msg_controllen = sizeof control.space,
        };
        ssize_t n;

        do
                n = recvmsg(fd, &message, 0);
        while (n < 0 && errno == EINTR);
        struct cmsghdr *header = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
        if (header == NULL || header->cmsg_type != SCM_RIGHTS
            || header->cmsg_len != CMSG_LEN(count * sizeof(int)))
                return false;
        memcpy(out_fds, CMSG_DATA(header), count * sizeof(int));
        return true;
}

static _Noreturn void become_worker(struct zygote *zygote, struct worker_fds fds)
{
        (void)close(zygote->socket);
        (void)close(zygote->signals[0]);
        (void)close(zygote->signals[1]);
        (void)signal(SIGCHLD, SIG_DFL);
        name_process("mcp-ssh-worker");
        free(zygote);
        worker_run(fds);
}

static void make_worker(struct zygote *zygote, const struct spawn_record *order, const int *fds)
{
        struct spawn_record record = { .kind = SPAWN_FAILED, .id = order->id, .status = EAGAIN };
        struct child *child = zygote->children;

        while (child < zygote->children + WORKERS_MAX && child->id != 0)
                child++;
        if (child == zygote->children + WORKERS_MAX) {
                report(zygote, record);
                return;
        }
        pid_t pid = fork();
        if (pid == 0)
                become_worker(zygote, (struct worker_fds){ .host = fds[0], .frames = fds[1], .agent = fds[2] });
        if (pid > 0) {
                *child = (struct child){ order->id, pid };
                record.kind = SPAWN_MADE;
                record.pid = pid;
                record.status = 0;
        } else {
                record.status = errno;
        }
        report(zygote, record);
}

static struct child *find_child(struct zygote *zygote, uint64_t id)
{
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (zygote->children[i].id == id)
                        return &zygote->children[i];
        return NULL;
}

static bool serve(struct zygote *zygote)
{
        struct spawn_record order;
        int fds[SPAWN_FDS_MAX] = { -1, -1, -1 };

        if (!receive_all(zygote->socket, &order, sizeof order))
                return false;
        if (order.kind == SPAWN_KILL) {
                struct child *child = order.id != 0 ? find_child(zygote, order.id) : NULL;
                if (child != NULL)
                        (void)kill(child->pid, SIGKILL); /* ours and not reaped yet: cannot fail */
                return true;
        }
        if (order.kind != SPAWN_MAKE
            || !receive_fds(zygote->socket, fds, order.has_agent ? SPAWN_FDS_MAX : SPAWN_FDS_MAX - 1))
                return false;
        make_worker(zygote, &order, fds);
        for (size_t i = 0; i < SPAWN_FDS_MAX; i++)
                scoped_close(&fds[i]);
        return true;
}

static void reap(struct zygote *zygote)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                for (size_t i = 0; i < WORKERS_MAX; i++) {
                        struct child *child = &zygote->children[i];
                        if (child->id == 0 || child->pid != pid)
                                continue;
                        report(zygote, (struct spawn_record){ .kind = SPAWN_ENDED,
                                                              .id = child->id,
                                                              .pid = pid,
                                                              .status = status });
                        child->id = 0;
                }
}

static void kill_all(struct zygote *zygote)
{
        for (size_t i = 0; i < WORKERS_MAX; i++)
                if (zygote->children[i].id != 0)
                        (void)kill(zygote->children[i].pid, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0)
                ;
}

static _Noreturn void run(int socket)
{
        struct zygote *zygote = calloc(1, sizeof *zygote);
        struct sigaction action = { .sa_handler = on_child_signal, .sa_flags = SA_RESTART };
        char bytes[64];

        if (zygote == NULL || pipe(zygote->signals) != 0)
                _exit(1);
        zygote->socket = socket;
        for (int i = 0; i < 2; i++) {
                (void)fcntl(zygote->signals[i], F_SETFL, O_NONBLOCK);
                (void)fcntl(zygote->signals[i], F_SETFD, FD_CLOEXEC);
        }
        signal_fd = zygote->signals[1];
        (void)sigaction(SIGCHLD, &action, NULL); /* fails for bad numbers only */
        (void)signal(SIGPIPE, SIG_IGN);
        /* what is sent to the whole process group is the supervisor's to act on; its end is ours */
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        name_process("mcp-ssh-zygote");

        for (;;) {
                struct pollfd fds[2] = { { .fd = socket, .events = POLLIN },
                                         { .fd = zygote->signals[0], .events = POLLIN } };
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        break;
                while (read(zygote->signals[0], bytes, sizeof bytes) > 0)
                        ;
                reap(zygote);
                if ((fds[0].revents & (POLLIN | POLLHUP)) != 0 && !serve(zygote))
                        break;
        }
        kill_all(zygote);
        free(zygote);
        exit(0);
}

/*
 * Passwords may stand in the environment (OVRD_…_PASS). The supervisor reads and overwrites its
 * own copy; the zygote and its workers need none of it.
 */
static void wipe_environment(void)
{
        for (char **at = environ; at != NULL && *at != NULL; at++)
                explicit_bzero(*at, strlen(*at));
        environ = NULL;
}

/* stdin and stdout belong to the client; a child of ours must not keep them open. */
static void let_go_of_client(void)
{
        scoped_fd int null = open("/dev/null", O_RDWR);

        if (null < 0)
                return;
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
}

bool zygote_start(int *out_fd, struct err *err)
{
        int sockets[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
                return err_set(err, ERR_SYSTEM, "no socket to the zygote: %s", strerror(errno));
        (void)fcntl(sockets[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(sockets[1], F_SETFD, FD_CLOEXEC);
        pid_t pid = fork();
        if (pid < 0) {
                (void)close(sockets[0]);
                (void)close(sockets[1]);
                return err_set(err, ERR_SYSTEM, "cannot fork the zygote: %s", strerror(errno));
        }
        if (pid == 0) {
                (void)close(sockets[0]);
                wipe_environment();
                let_go_of_client();
                run(sockets[1]);
        }
        (void)close(sockets[1]);
        (void)fcntl(sockets[0], F_SETFL, O_NONBLOCK);
        *out_fd = sockets[0];
        return true;
}
