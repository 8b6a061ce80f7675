/*
 * Three handles, counted in `open`: the program, its stderr, a timer. The timer has one job at a
 * time: after the program's end to wait for the last of stderr, which a stray child may keep
 * open; after proxy_free() to kill.
 */
#include "session/reach/proxy.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/reach/sockets.h"
#include "session/secrecy/remote_text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_KEPT_MAX  2048 /* bytes of stderr; more are dropped from the front */
#define WORDS_SHOWN_MAX 200  /* bytes */
#define LAST_WORDS_MS   100  /* for stderr, after the program's end */

struct proxy {
        uv_process_t process;
        uv_pipe_t words;
        uv_timer_t timer;
        unsigned open;
        bool is_running;
        bool is_told;     /* on_end was called, or nobody wants to hear of it any more */
        bool is_released; /* proxy_free() */
        int64_t status;
        int signal;
        struct buf said;
        char chunk[1024];
        proxy_ended *on_end;
        void *arg;
};

static void on_closed(uv_handle_t *handle)
{
        struct proxy *proxy = handle->data;

        if (--proxy->open > 0)
                return;
        buf_fini(&proxy->said);
        free(proxy);
}

static void close_all(struct proxy *proxy)
{
        uv_close((uv_handle_t *)&proxy->process, on_closed);
        uv_close((uv_handle_t *)&proxy->words, on_closed);
        uv_close((uv_handle_t *)&proxy->timer, on_closed);
}

static void signal_group(const struct proxy *proxy, int number)
{
        (void)kill(-proxy->process.pid, number); /* ended meanwhile: fine */
}

static void tell(struct proxy *proxy)
{
        (void)uv_timer_stop(&proxy->timer); /* cannot fail */
        if (proxy->is_told)
                return;
        proxy->is_told = true;
        proxy->on_end(proxy->arg);
}

static void on_timer(uv_timer_t *timer)
{
        struct proxy *proxy = timer->data;

        if (proxy->is_running)
                signal_group(proxy, SIGKILL);
        else
                tell(proxy);
}

static void on_ended(uv_process_t *process, int64_t status, int by_signal)
{
        struct proxy *proxy = process->data;

        proxy->is_running = false;
        proxy->status = status;
        proxy->signal = by_signal;
        signal_group(proxy, SIGKILL); /* now: later the number may be somebody else's */
        if (proxy->is_released)
                close_all(proxy);
        else
                (void)uv_timer_start(&proxy->timer, on_timer, LAST_WORDS_MS, 0); /* cannot fail */
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
        struct proxy *proxy = handle->data;

        (void)wanted;
        *out = uv_buf_init(proxy->chunk, sizeof proxy->chunk);
}

static void on_words(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
        struct proxy *proxy = stream->data;
        struct buf *said = &proxy->said;

        if (n < 0) {
                (void)uv_read_stop(stream); /* cannot fail */
                if (!proxy->is_running && !proxy->is_released)
                        tell(proxy);
                return;
        }
        size_t len = (size_t)n;
        if (len > said->max - said->len)
                buf_consume(said, len - (said->max - said->len));
        (void)buf_append(said, chunk->base, len); /* there is room now */
}

static bool spawn(struct proxy *proxy, uv_loop_t *loop, const char *text, int fd, struct err *err)
{
        const char *shell = getenv("SHELL");
        scoped_free char *file = xstrdup(shell != NULL && shell[0] != 0 ? shell : "/bin/sh");
        scoped_free char *command = xasprintf("exec %s", text);
        char option[] = "-c";
        char *args[] = { file, option, command, NULL };
        uv_stdio_container_t stdio[3] = {
                { .flags = UV_INHERIT_FD, .data.fd = fd },
                { .flags = UV_INHERIT_FD, .data.fd = fd },
                { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                  .data.stream = (uv_stream_t *)&proxy->words },
        };
        uv_process_options_t options = {
                .exit_cb = on_ended,
                .file = file,
                .args = args,
                .flags = UV_PROCESS_DETACHED, /* a group of its own */
                .stdio_count = 3,
                .stdio = stdio,
        };
        int rc = uv_spawn(loop, &proxy->process, &options);

        if (rc == 0)
                return true;
        return err_set(err, ERR_SYSTEM,
                       "its ProxyCommand cannot be run: the shell %s does not start: %s", file,
                       uv_strerror(rc));
}

bool proxy_start(struct proxy **out_proxy, uv_loop_t *loop, const char *text, proxy_ended *on_end,
                 void *arg, int *out_fd, struct err *err)
{
        int ends[2];

        if (!socket_pair(ends, err))
                return false;
        scoped_fd int ours = ends[0];
        scoped_fd int theirs = ends[1];
        struct proxy *proxy = xcalloc(1, sizeof *proxy);
        buf_init(&proxy->said, WORDS_KEPT_MAX);
        proxy->on_end = on_end;
        proxy->arg = arg;
        (void)uv_pipe_init(loop, &proxy->words, 0); /* both cannot fail */
        (void)uv_timer_init(loop, &proxy->timer);
        proxy->process.data = proxy->words.data = proxy->timer.data = proxy;
        proxy->open = 3; /* uv_spawn() makes the process a handle also when it fails */
        if (!spawn(proxy, loop, text, theirs, err)) {
                close_all(proxy);
                return false;
        }
        proxy->is_running = true;
        (void)uv_read_start((uv_stream_t *)&proxy->words, on_alloc, on_words); /* just made */
        *out_proxy = proxy;
        *out_fd = take_fd(&ours);
        return true;
}

void proxy_free(struct proxy *proxy)
{
        if (proxy == NULL || proxy->is_released)
                return;
        proxy->is_released = true;
        proxy->is_told = true;
        if (!proxy->is_running) {
                close_all(proxy);
                return;
        }
        signal_group(proxy, SIGHUP);
        signal_group(proxy, SIGTERM);
        (void)uv_timer_start(&proxy->timer, on_timer, PROXY_GRACE_MS, 0); /* cannot fail */
}

bool proxy_has_ended(const struct proxy *proxy)
{
        return !proxy->is_running && proxy->is_told;
}

/* The last line that says something: the first ones are often banners. */
static struct str last_line(struct str text)
{
        struct str last = { "", 0 };
        struct str line;

        while (str_line(&text, &line))
                if (str_trim(line).len > 0)
                        last = str_trim(line);
        return last;
}

void proxy_write_state(const struct proxy *proxy, enum proxy_words words, struct buf *out)
{
        struct str shown = words == PROXY_WORDS_SHOWN ? last_line(buf_str(&proxy->said))
                                                      : (struct str){ "", 0 };
        scoped_free char *said = remote_text(shown, WORDS_SHOWN_MAX);
        const char *colon = said[0] != 0 ? ": " : "";

        if (proxy->is_running && said[0] != 0)
                (void)buf_printf(out, "its ProxyCommand says: %s", said); /* full: cut */
        else if (!proxy->is_running && proxy->signal != 0)
                (void)buf_printf(out, "its ProxyCommand was ended by signal %d%s%s", proxy->signal,
                                 colon, said);
        else if (!proxy->is_running)
                (void)buf_printf(out, "its ProxyCommand ended with status %d%s%s",
                                 (int)proxy->status, colon, said);
}
