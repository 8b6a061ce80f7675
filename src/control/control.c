#include "control/control.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "control/control_place.h"
#include "control/guest.h"
#include "session/reach/sockets.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 8

struct control {
        uv_loop_t *loop;
        struct engine *engine; /* not ours */
        uv_pipe_t listener;
        char *path; /* of the socket; NULL: not open */
        bool has_complained;
        bool is_stopping;
        struct guest *guests[CONTROL_GUESTS_MAX]; /* each frees itself, see on_guest_gone() */
};

struct control *control_new(uv_loop_t *loop, struct engine *engine)
{
        struct control *control = xcalloc(1, sizeof *control);

        control->loop = loop;
        control->engine = engine;
        return control;
}

static void on_guest_gone(void *arg, struct guest *guest)
{
        struct control *control = arg;

        for (size_t i = 0; i < CONTROL_GUESTS_MAX; i++)
                if (control->guests[i] == guest)
                        control->guests[i] = NULL;
}

static void on_nobody(void *arg, struct guest *guest)
{
        (void)arg, (void)guest; /* one too many, who was never in the list */
}

static void on_guest(uv_stream_t *listener, int status)
{
        struct control *control = listener->data;
        size_t at = 0;

        if (status != 0)
                return;
        while (at < CONTROL_GUESTS_MAX && control->guests[at] != NULL)
                at++;
        if (at < CONTROL_GUESTS_MAX)
                control->guests[at] =
                        guest_accept(listener, control->engine, on_guest_gone, control);
        else
                guest_end(guest_accept(listener, control->engine, on_nobody, NULL));
}

static bool remove_if_stale(void *arg, const char *path, pid_t pid)
{
        (void)arg;
        if (kill(pid, 0) != 0 && errno == ESRCH)
                scoped_close(&(int){ control_socket_connect(path, pid) });
        return true;
}

static bool bind_socket(const char *path, int *out_fd, struct err *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof address.sun_path)
                return err_set(err, ERR_SYSTEM, "%s is too long for a socket", path);
        scoped_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        memcpy(address.sun_path, path, strlen(path) + 1);
        (void)unlink(path); /* of a process that had our number before */
        if (fd < 0 || !socket_prepare(fd)
            || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0
            || chmod(path, 0600) != 0) /* nobody else can be in the directory meanwhile */
                return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
        *out_fd = take_fd(&fd);
        return true;
}

static bool open_socket(struct control *control, struct err *err)
{
        scoped_free char *directory = NULL;
        scoped_free char *path = NULL;
        scoped_fd int fd = -1;

        if (!control_place_make(&directory, err))
                return false;
        path = control_socket_path(directory, getpid());
        if (!bind_socket(path, &fd, err))
                return false;
        (void)uv_pipe_init(control->loop, &control->listener, 0); /* cannot fail */
        control->listener.data = control;
        if (uv_pipe_open(&control->listener, fd) == 0) {
                (void)take_fd(&fd);
                if (uv_listen((uv_stream_t *)&control->listener, BACKLOG, on_guest) == 0) {
                        control->path = path;
                        path = NULL;
                        return true;
                }
        }
        uv_close((uv_handle_t *)&control->listener, NULL);
        control->is_stopping = true; /* the handle is used up, and it would not work later either */
        (void)unlink(path);
        return err_set(err, ERR_SYSTEM, "cannot listen at %s", path);
}

void control_open(struct control *control)
{
        struct err err;

        if (control->path != NULL || control->is_stopping)
                return;
        if (open_socket(control, &err)) {
                log_debug("control socket %s", control->path);
                control_place_each(remove_if_stale, NULL);
        } else if (!control->has_complained) {
                control->has_complained = true;
                log_warn("no control socket, so nobody can log in for a host that asks for a "
                         "password or a code: %s",
                         err.text);
        }
}

void control_stop(struct control *control)
{
        control->is_stopping = true;
        for (size_t i = 0; i < CONTROL_GUESTS_MAX; i++)
                if (control->guests[i] != NULL)
                        guest_end(control->guests[i]);
        if (control->path == NULL)
                return;
        (void)unlink(control->path);
        free(control->path);
        control->path = NULL;
        uv_close((uv_handle_t *)&control->listener, NULL);
}

void control_free(struct control *control)
{
        if (control == NULL)
                return;
        free(control->path);
        free(control);
}
