#include "mcp.h"

#include "orders.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_BYTES (8 * 1024 * 1024) /* an answer; more is a fault */
#define READ_PIECE     (64 * 1024)
#define COMMAND_WAIT_S 600

/* Both ends close on exec; dup2 in the child makes the copies that stay. */
static void open_pipe(int fds[2])
{
        if (pipe(fds) != 0 || fcntl(fds[0], F_SETFD, FD_CLOEXEC) != 0
            || fcntl(fds[1], F_SETFD, FD_CLOEXEC) != 0)
                die("client: no pipe");
}

static void start_process(struct mcp *mcp, char **argv)
{
        posix_spawn_file_actions_t actions;
        int in[2];
        int out[2];

        open_pipe(in);
        open_pipe(out);
        if (posix_spawn_file_actions_init(&actions) != 0
            || posix_spawn_file_actions_adddup2(&actions, in[0], 0) != 0
            || posix_spawn_file_actions_adddup2(&actions, out[1], 1) != 0)
                die("client: no memory to start %s", argv[0]);
        int failed = posix_spawn(&mcp->pid, argv[0], &actions, NULL, argv, environ);
        if (failed != 0)
                die("client: cannot start %s: %s", argv[0], strerror(failed));
        (void)posix_spawn_file_actions_destroy(&actions); /* of what init made: cannot fail */
        (void)close(in[0]);
        (void)close(out[1]);
        mcp->in = in[1];
        mcp->out = out[0];
}

static void send_text(struct mcp *mcp, const struct buf *text)
{
        size_t sent = 0;

        while (sent < text->len) {
                ssize_t n = write(mcp->in, text->data + sent, text->len - sent);
                if (n < 0)
                        die("client: the server reads no more");
                sent += (size_t)n;
        }
}

__attribute__((format(printf, 2, 3))) static void post(struct mcp *mcp, const char *fmt, ...)
{
        va_list args;
        struct buf line;
        char *text;

        va_start(args, fmt);
        if (vasprintf(&text, fmt, args) < 0)
                die("client: no memory");
        va_end(args);
        buf_init(&line, LINE_MAX_BYTES);
        if (!buf_append_str(&line, text) || !buf_append_byte(&line, '\n'))
                die("client: a request that is too long");
        send_text(mcp, &line);
        buf_fini(&line);
        free(text);
}

/* The next line that is an answer; borrowed until the next call. Notifications are passed over. */
static const char *take_answer(struct mcp *mcp)
{
        size_t looked_at = 0;

        buf_consume(&mcp->unread, mcp->answered);
        mcp->answered = 0;
        for (;;) {
                char *line = (char *)mcp->unread.data;
                char *end = mcp->unread.len == looked_at
                                    ? NULL
                                    : memchr(line + looked_at, '\n', mcp->unread.len - looked_at);
                if (end != NULL) {
                        *end = 0;
                        mcp->answered = (size_t)(end + 1 - line);
                        if (strstr(line, "\"id\"") != NULL)
                                return line;
                        buf_consume(&mcp->unread, mcp->answered);
                        mcp->answered = looked_at = 0;
                        continue;
                }
                looked_at = mcp->unread.len;
                if (!buf_reserve(&mcp->unread, READ_PIECE))
                        die("client: an answer of more than %d bytes", LINE_MAX_BYTES);
                ssize_t n = read(mcp->out, mcp->unread.data + looked_at, READ_PIECE);
                if (n <= 0)
                        die("client: the server is gone");
                mcp->unread.len += (size_t)n;
        }
}

/* The number behind "name" in the answer; ends the program where there is none. */
static int64_t fact(const char *answer, const char *name)
{
        const char *at = strstr(answer, name);
        char *end;

        if (at == NULL)
                die("client: no %s in %.600s", name, answer);
        at += strlen(name);
        at += strspn(at, "\": ");
        long long number = strtoll(at, &end, 10);
        if (end == at)
                die("client: %s is no number in %.600s", name, answer);
        return number;
}

void mcp_start(struct mcp *mcp, char **argv)
{
        (void)signal(SIGPIPE, SIG_IGN); /* a write tells */
        *mcp = (struct mcp){ 0 };
        buf_init(&mcp->unread, LINE_MAX_BYTES);
        start_process(mcp, argv);
        post(mcp, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                  "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
                  "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}");
        const char *answer = take_answer(mcp);
        if (strstr(answer, "\"serverInfo\"") == NULL)
                die("client: initialize: %.600s", answer);
        post(mcp, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

void mcp_stop(struct mcp *mcp)
{
        int status;

        (void)close(mcp->in);
        (void)close(mcp->out);
        buf_fini(&mcp->unread);
        if (waitpid(mcp->pid, &status, 0) != mcp->pid || !WIFEXITED(status)
            || WEXITSTATUS(status) != 0)
                die("client: the server ended badly");
}

void mcp_ping(struct mcp *mcp)
{
        post(mcp, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"ping\"}",
             (unsigned long long)++mcp->last_id);
        if (strstr(take_answer(mcp), "\"result\"") == NULL)
                die("client: ping has failed");
}

void mcp_post_command(struct mcp *mcp, const char *host, const char *command)
{
        post(mcp,
             "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"tools/call\",\"params\":{"
             "\"name\":\"execute_command\",\"arguments\":{"
             "\"host\":\"%s\",\"command\":\"%s\",\"timeout\":%d}}}",
             (unsigned long long)++mcp->last_id, host, command, COMMAND_WAIT_S);
}

void mcp_read_screen(struct mcp *mcp, const char *host)
{
        post(mcp,
             "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"tools/call\",\"params\":{"
             "\"name\":\"read_screen\",\"arguments\":{\"host\":\"%s\"}}}",
             (unsigned long long)++mcp->last_id, host);
        if (strstr(take_answer(mcp), "SCREEN:") == NULL)
                die("client: read_screen has failed");
}

int64_t mcp_take_result(struct mcp *mcp)
{
        const char *answer = take_answer(mcp);

        if (fact(answer, "\"exit_status\"") != 0)
                die("client: the command failed: %.600s", answer);
        return fact(answer, "\"output_bytes\"");
}
