/*
 * Done when the program has ended and both its pipes are at their end, or at the deadline. All
 * four handles count in `open`; the memory goes with the last of them, so that the owner may let
 * go of the resolver at any moment.
 */
#include "session/config/resolver.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/config/config_reader.h"
#include "session/secrecy/remote_text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDERR_MAX 2048 /* bytes; the rest of what it complains about is dropped */
#define ARGS_MAX   (14 + 2 * CONFIG_OPTIONS_MAX)
#define ENV_MAX    16

struct resolver {
        uv_process_t process;
        uv_pipe_t output;
        uv_pipe_t complaints;
        uv_timer_t timer;
        unsigned open;    /* handles that are not closed yet */
        unsigned running; /* of program, output, complaints: not at their end yet */
        bool is_over;     /* done was called, or the owner has let go */
        bool has_process;
        bool has_overflowed;
        int64_t exit_status;
        struct buf text;
        struct buf stderr_text;
        struct target target;    /* as asked for */
        char *file;              /* for -F; NULL: ssh's own choice */
        const struct config_source *source; /* not ours */
        char *jump;              /* for -J; NULL: none */
        const struct home *home; /* not ours */
        char chunk[4096];
        resolver_done *done;
        void *arg;
};

static void on_closed(uv_handle_t *handle)
{
        struct resolver *resolver = handle->data;

        if (--resolver->open > 0)
                return;
        buf_fini(&resolver->text);
        buf_fini(&resolver->stderr_text);
        target_fini(&resolver->target);
        free(resolver->file);
        free(resolver->jump);
        free(resolver);
}

static void close_handle(void *handle)
{
        if (!uv_is_closing(handle))
                uv_close(handle, on_closed);
}

void resolver_free(struct resolver *resolver)
{
        if (resolver == NULL)
                return;
        resolver->is_over = true;
        if (resolver->has_process && uv_is_active((uv_handle_t *)&resolver->process))
                (void)uv_process_kill(&resolver->process, SIGKILL); /* gone already: fine */
        close_handle(&resolver->output);
        close_handle(&resolver->complaints);
        close_handle(&resolver->timer);
        close_handle(&resolver->process);
}

static void finish(struct resolver *resolver, struct ssh_config *config, const struct err *err)
{
        if (resolver->is_over) {
                ssh_config_free(config);
                return;
        }
        resolver->is_over = true;
        resolver->done(resolver->arg, &config, err);
        ssh_config_free(config); /* not taken */
}

static bool fail_with_status(const struct resolver *resolver, struct err *err)
{
        struct str rest = buf_str(&resolver->stderr_text);
        struct str line = { "", 0 };

        while (str_line(&rest, &line) && str_trim(line).len == 0)
                continue; /* the first complaint is the one that tells most */
        scoped_free char *why = remote_text(str_trim(line), 200);
        return err_set(
                err, ERR_CONNECT,
                "ssh's configuration cannot be used for %s: `ssh -G` ended with status %d: %s",
                resolver->target.host, (int)resolver->exit_status, why);
}

static void conclude(struct resolver *resolver)
{
        struct ssh_config *config = NULL;
        struct err err = { 0 };

        if (resolver->has_overflowed)
                (void)err_set(&err, ERR_CONNECT,
                              "`ssh -G %s` printed more than %d KiB: look for "
                              "`Match exec` in ~/.ssh/config.",
                              resolver->target.host, RESOLVER_OUTPUT_MAX / 1024);
        else if (resolver->exit_status != 0)
                (void)fail_with_status(resolver, &err);
        else
                (void)ssh_config_parse(&config, buf_str(&resolver->text), &err);
        finish(resolver, config, &err);
}

static void one_has_ended(struct resolver *resolver)
{
        if (--resolver->running == 0)
                conclude(resolver);
}

static void on_ended(uv_process_t *process, int64_t status, int by_signal)
{
        struct resolver *resolver = process->data;

        resolver->exit_status = by_signal != 0 ? 128 + by_signal : status;
        one_has_ended(resolver);
}

/* Without an ssh program its files are read here. */
static void read_files(struct resolver *resolver)
{
        struct ssh_config *config = NULL;
        struct err err = { 0 };

        log_info("%s: no ssh program is installed; its files are read without it",
                 resolver->target.host);
        if (config_reader_run(&resolver->text, resolver->source, resolver->file, resolver->jump,
                              &resolver->target, resolver->home, &err)
            && ssh_config_parse(&config, buf_str(&resolver->text), &err))
                config->is_fallback = true;
        finish(resolver, config, &err);
}

static void on_timer(uv_timer_t *timer)
{
        struct resolver *resolver = timer->data;
        struct err err = { 0 };

        if (!resolver->has_process) {
                read_files(resolver);
                return;
        }
        (void)err_set(
                &err, ERR_CONNECT,
                "`ssh -G %s` did not end within %d s: look for `Match exec` in ~/.ssh/config.",
                resolver->target.host, RESOLVER_MS / 1000);
        finish(resolver, NULL, &err);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
        struct resolver *resolver = handle->data;

        (void)wanted;
        *out = uv_buf_init(resolver->chunk, sizeof resolver->chunk);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
        struct resolver *resolver = stream->data;

        if (n < 0) {
                (void)uv_read_stop(stream);
                one_has_ended(resolver);
        } else if (!buf_append(&resolver->text, chunk->base, (size_t)n)) {
                resolver->has_overflowed = true;
                (void)uv_process_kill(&resolver->process, SIGKILL);
        }
}

static void on_complaint(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
        struct resolver *resolver = stream->data;

        if (n < 0) {
                (void)uv_read_stop(stream);
                one_has_ended(resolver);
        } else {
                (void)buf_append(&resolver->stderr_text, chunk->base,
                                 (size_t)n); /* full: dropped */
        }
}

/*
 * With -F, OpenSSH leaves out /etc/ssh/ssh_config; so does `ssh -F` in a terminal. A moved home
 * has no other way: there the system's file is left out too, and a relative Include in the
 * user's file still means the account's ~/.ssh.
 */
static char *config_file(const char *ssh_config, const struct home *home)
{
        if (ssh_config != NULL)
                return xstrdup(ssh_config);
        if (!home->is_moved)
                return NULL;
        char *path = xasprintf("%s/.ssh/config", home->dir);
        if (access(path, R_OK) == 0)
                return path;
        free(path);
        return xstrdup("none");
}

static void fill_environment(char *env[ENV_MAX])
{
        static const char *const kept[] = { "HOME",    "PATH",          "USER",
                                            "LOGNAME", "SHELL",         "LANG",
                                            "TMPDIR",  "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR" };
        unsigned count = 0;

        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
                const char *value = getenv(kept[i]);
                if (value != NULL)
                        env[count++] = xasprintf("%s=%s", kept[i], value);
        }
        env[count] = NULL;
}

/* The words of a command line; they borrow. */
struct arguments {
        char *words[ARGS_MAX];
        unsigned count;
};

static void add(struct arguments *arguments, char *option, char *value)
{
        if (value == NULL)
                return;
        if (option != NULL)
                arguments->words[arguments->count++] = option;
        arguments->words[arguments->count++] = value;
}

static bool run(struct resolver *resolver, uv_loop_t *loop)
{
        const struct target *target = &resolver->target;
        char ssh[] = "ssh", G[] = "-G", F[] = "-F", J[] = "-J";
        char o[] = "-o", p[] = "-p", l[] = "-l", end[] = "--";
        char port[16];
        struct arguments arguments = { .count = 0 };
        char *env[ENV_MAX];
        uv_stdio_container_t stdio[3] = {
                { .flags = UV_IGNORE },
                { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                  .data.stream = (uv_stream_t *)&resolver->output },
                { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                  .data.stream = (uv_stream_t *)&resolver->complaints },
        };

        (void)snprintf(port, sizeof port, "%d", target->port); /* fits */
        add(&arguments, ssh, G);
        add(&arguments, F, resolver->file);
        for (unsigned i = 0; i < resolver->source->option_count; i++)
                add(&arguments, o, resolver->source->options[i]);
        add(&arguments, p, target->port != 0 ? port : NULL);
        add(&arguments, l, target->user);
        add(&arguments, J, resolver->jump);
        add(&arguments, end, target->host); /* the rest of words is NULL */
        fill_environment(env);
        uv_process_options_t options = {
                .exit_cb = on_ended,
                .file = ssh,
                .args = arguments.words,
                .env = env,
                .stdio_count = 3,
                .stdio = stdio,
        };
        int rc = uv_spawn(loop, &resolver->process, &options);
        for (unsigned i = 0; env[i] != NULL; i++)
                free(env[i]);
        if (rc != 0)
                log_debug("ssh -G %s: %s", target->host, uv_strerror(rc));
        return rc == 0;
}

struct resolver *resolver_start(uv_loop_t *loop, const struct target *target, const char *jump,
                                const struct config_source *source, const struct home *home,
                                resolver_done *done, void *arg)
{
        struct resolver *resolver = xcalloc(1, sizeof *resolver);

        resolver->file = config_file(source->file, home);
        resolver->source = source;
        resolver->jump = jump != NULL ? xstrdup(jump) : NULL;
        buf_init(&resolver->text, RESOLVER_OUTPUT_MAX);
        buf_init(&resolver->stderr_text, STDERR_MAX);
        resolver->home = home;
        resolver->target = (struct target){ xstrdup(target->host),
                                            target->user != NULL ? xstrdup(target->user) : NULL,
                                            target->port };
        resolver->done = done;
        resolver->arg = arg;
        (void)uv_timer_init(loop, &resolver->timer); /* both cannot fail */
        (void)uv_pipe_init(loop, &resolver->output, 0);
        (void)uv_pipe_init(loop, &resolver->complaints, 0);
        resolver->has_process = run(resolver, loop);
        resolver->open = 4; /* uv_spawn() makes the process a handle also when it fails */
        resolver->running = 3;
        resolver->timer.data = resolver->output.data = resolver->complaints.data =
                resolver->process.data = resolver;
        if (resolver->has_process) {
                (void)uv_read_start((uv_stream_t *)&resolver->output, on_alloc, on_output);
                (void)uv_read_start((uv_stream_t *)&resolver->complaints, on_alloc, on_complaint);
        }
        (void)uv_timer_start(&resolver->timer, on_timer, resolver->has_process ? RESOLVER_MS : 0,
                             0);
        return resolver;
}
