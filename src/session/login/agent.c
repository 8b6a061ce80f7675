/*
 * One request at a time, as the agent protocol has it: a request is read whole from the worker,
 * judged, and passed on; the worker's next bytes are looked at when the answer has gone back.
 *
 * The relay may end before its owner lets go of it (an agent that is closed, a worker that talks
 * nonsense): the handles go with the relay, the memory with the owner.
 */
#include "session/login/agent.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/login/agent_filter.h"
#include "session/reach/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PLACES_MAX 64 /* sockets tried in ~/.ssh/agent */
#define LIST_MS                                                                      \
        3000 /* for the list of keys; then the agent counts as none. A signature may \
                take as long as a person needs to touch a token */

struct side {
        uv_pipe_t pipe;
        struct buf in;
};

struct agent {
        struct side worker;
        struct side program; /* the agent itself */
        uv_timer_t timer;    /* runs while the list of keys is awaited */
        unsigned open;       /* handles that are not closed yet */
        bool is_over;        /* nothing is relayed any more */
        bool is_let_go;      /* the owner does not need it any more */
        bool is_asked;       /* a request is with the agent */
        struct agent_filter filter;
        struct key_blobs *preferred;
        struct buf answer; /* the agent's, as the worker gets it */
        char chunk[16 * 1024];
};

/* ---- finding ---- */

static int connect_to(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct stat is;

        if (strlen(path) >= sizeof address.sun_path || stat(path, &is) != 0 || !S_ISSOCK(is.st_mode)
            || (is.st_uid != getuid() && is.st_uid != 0))
                return -1;
        memcpy(address.sun_path, path, strlen(path) + 1);
        scoped_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd < 0 || !socket_prepare(fd)
            || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
                return -1;
        log_debug("using the SSH agent at %s", path);
        return take_fd(&fd);
}

static int connect_below(const char *dir, const char *name)
{
        scoped_free char *path = xasprintf("%s/%s", dir, name);

        return connect_to(path);
}

static int connect_in_directory(const char *dir)
{
        DIR *entries = opendir(dir);
        int fd = -1;

        if (entries == NULL)
                return -1;
        for (unsigned i = 0; fd < 0 && i < PLACES_MAX; i++) {
                /* cppcheck-suppress readdirCalled ; there is one thread */
                const struct dirent *entry = readdir(entries);
                if (entry == NULL)
                        break;
                if (entry->d_name[0] != '.')
                        fd = connect_below(dir, entry->d_name);
        }
        (void)closedir(entries);
        return fd;
}

static int connect_to_known_places(const struct home *home)
{
        static const char *const names[] = { "ssh-agent.socket", "openssh_agent", "keyring/ssh",
                                             "gcr/ssh", "gnupg/S.gpg-agent.ssh" };
        scoped_free char *run_dir = xasprintf("/run/user/%u", (unsigned)getuid());
        scoped_free char *ssh_dir = xasprintf("%s/.ssh/agent", home->dir);

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                int fd = connect_below(run_dir, names[i]);
                if (fd >= 0)
                        return fd;
        }
        int fd = connect_below(home->dir, ".1password/agent.sock");
        return fd >= 0 ? fd : connect_in_directory(ssh_dir);
}

int agent_connect(const char *configured, const struct home *home)
{
        const char *by_environment = getenv("SSH_AUTH_SOCK");

        if (configured != NULL && strcmp(configured, "none") == 0)
                return -1;
        if (configured != NULL && strcmp(configured, "SSH_AUTH_SOCK") != 0) {
                const char *said = configured[0] == '$' ? getenv(configured + 1) : configured;
                scoped_free char *path = home_expand(home, said != NULL ? said : "");
                return connect_to(path);
        }
        int fd = by_environment != NULL ? connect_to(by_environment) : -1;
        return fd >= 0 ? fd : connect_to_known_places(home);
}

char *agent_path(int fd)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t len = sizeof address;

        if (getpeername(fd, (struct sockaddr *)&address, &len) != 0
            || len <= offsetof(struct sockaddr_un, sun_path))
                return NULL;
        return xstrndup(address.sun_path, strnlen(address.sun_path, sizeof address.sun_path));
}

/* ---- relaying ---- */

static void release(struct agent *agent)
{
        buf_fini(&agent->worker.in);
        buf_fini(&agent->program.in);
        buf_fini(&agent->answer);
        key_blobs_free(agent->preferred);
        free(agent);
}

static void on_closed(uv_handle_t *handle)
{
        struct agent *agent = handle->data;

        if (--agent->open == 0 && agent->is_let_go)
                release(agent);
}

/* The relay is over, whoever ended it; the owner may let go of it later. */
static void end_relay(struct agent *agent)
{
        if (agent->is_over)
                return;
        agent->is_over = true;
        uv_close((uv_handle_t *)&agent->timer, on_closed);
        uv_close((uv_handle_t *)&agent->worker.pipe, on_closed);
        uv_close((uv_handle_t *)&agent->program.pipe, on_closed);
}

void agent_free(struct agent *agent)
{
        if (agent == NULL)
                return;
        agent->is_let_go = true;
        if (agent->open == 0)
                release(agent);
        else
                end_relay(agent);
}

struct sending {
        uv_write_t request;
        uint8_t bytes[];
};

static void on_sent(uv_write_t *request, int status)
{
        (void)status; /* a broken end shows when it is read */
        free(request->data);
}

static void send_to(struct side *side, const uint8_t *bytes, size_t len)
{
        struct sending *sending = xcalloc(1, sizeof *sending + len); /* AGENT_MESSAGE_MAX at most */
        uv_buf_t buf = uv_buf_init((char *)sending->bytes, (unsigned)len);

        memcpy(sending->bytes, bytes, len);
        sending->request.data = sending;
        if (uv_write(&sending->request, (uv_stream_t *)&side->pipe, &buf, 1, on_sent) != 0)
                free(sending);
}

static void on_no_answer(uv_timer_t *timer)
{
        log_warn("the SSH agent does not answer; going on without it");
        end_relay(timer->data);
}

static void serve_worker(struct agent *agent)
{
        struct buf *in = &agent->worker.in;
        size_t used = 0;

        while (!agent->is_asked) {
                switch (agent_filter_look(&agent->filter, in->data, in->len, &used)) {
                case AGENT_MORE: return;
                case AGENT_PASS:
                        send_to(&agent->program, in->data, used);
                        agent->is_asked = true;
                        if (in->data[4] == AGENT_REQUEST_IDENTITIES)
                                (void)uv_timer_start(&agent->timer, on_no_answer, LIST_MS, 0);
                        break;
                case AGENT_REFUSE: send_to(&agent->worker, agent_failure, AGENT_SHORT_LEN); break;
                case AGENT_TAKEN: send_to(&agent->worker, agent_success, AGENT_SHORT_LEN); break;
                case AGENT_BAD: end_relay(agent); return;
                }
                buf_consume(in, used);
        }
}

static void serve_program(struct agent *agent)
{
        struct buf *in = &agent->program.in;
        size_t used = 0;

        switch (agent_answer_look(in->data, in->len, &used)) {
        case AGENT_MORE: return;
        case AGENT_PASS:
                buf_reset(&agent->answer);
                if (!agent->is_asked /* an agent does not speak first */
                    || !agent_answer_pass(&agent->filter,
                                          (struct str){ (const char *)in->data, used },
                                          &agent->answer)) {
                        end_relay(agent);
                        return;
                }
                send_to(&agent->worker, agent->answer.data, agent->answer.len);
                buf_consume(in, used);
                agent->is_asked = false;
                (void)uv_timer_stop(&agent->timer);
                serve_worker(agent);
                return;
        case AGENT_REFUSE:
        case AGENT_TAKEN:
        case AGENT_BAD: end_relay(agent); return;
        }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
        struct agent *agent = handle->data;

        (void)wanted;
        *out = uv_buf_init(agent->chunk, sizeof agent->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
        struct agent *agent = stream->data;
        bool is_worker = stream == (uv_stream_t *)&agent->worker.pipe;
        struct side *side = is_worker ? &agent->worker : &agent->program;

        if (agent->is_over || n == 0)
                return;
        if (n < 0 || !buf_append(&side->in, chunk->base, (size_t)n)) {
                end_relay(agent);
                return;
        }
        if (is_worker)
                serve_worker(agent);
        else
                serve_program(agent);
}

static bool open_side(struct side *side, struct agent *agent, uv_loop_t *loop, int *fd)
{
        (void)uv_pipe_init(loop, &side->pipe, 0); /* cannot fail */
        side->pipe.data = agent;
        agent->open++;
        buf_init(&side->in, AGENT_MESSAGE_MAX + 4 + sizeof agent->chunk);
        if (uv_pipe_open(&side->pipe, *fd) != 0)
                return false;
        *fd = -1;
        return uv_read_start((uv_stream_t *)&side->pipe, on_alloc, on_read) == 0;
}

bool agent_new(struct agent **out_agent, uv_loop_t *loop, int *agent_fd,
               struct key_blobs **preferred, bool preferred_only, const char *user,
               int *out_worker_fd, struct err *err)
{
        int ends[2];
        scoped_fd int program = take_fd(agent_fd);

        if (!socket_pair(ends, err))
                return err_context(err, "relaying the SSH agent");
        scoped_fd int ours = ends[0];
        scoped_fd int theirs = ends[1];
        struct agent *agent = xcalloc(1, sizeof *agent);
        agent->preferred = *preferred;
        *preferred = NULL;
        agent->filter.preferred = agent->preferred;
        agent->filter.preferred_only = preferred_only;
        agent->filter.user = user;
        buf_init(&agent->answer, AGENT_MESSAGE_MAX + 4);
        (void)uv_timer_init(loop, &agent->timer); /* cannot fail */
        agent->timer.data = agent;
        agent->open++;
        bool has_worker = open_side(&agent->worker, agent, loop, &ours);
        bool has_program = open_side(&agent->program, agent, loop, &program);
        if (!has_worker || !has_program) {
                agent_free(agent);
                return err_set(err, ERR_SYSTEM, "the SSH agent cannot be relayed");
        }
        *out_agent = agent;
        *out_worker_fd = take_fd(&theirs);
        return true;
}
