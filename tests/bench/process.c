/*
 * process.c - how long programs take, here the OpenSSH client.
 *
 *      run ARGV...     -> until its first byte, until it ended, bytes of output
 *      many N ARGV...  -> N of them at once until the last has ended; {} in a word is 1 to N
 *      spin            -> a loop that is always the same: what it takes longer now, others took
 *
 * Started with posix_spawn(), which does not copy this process; standard input is /dev/null.
 */
#include "orders.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE_MAX 256
#define READ_PIECE  (128 * 1024)
#define SPIN_TURNS  20000000

/* out_fd -1: its output goes nowhere. */
static pid_t spawn(char **argv, int out_fd)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;

        if (posix_spawn_file_actions_init(&actions) != 0
            || posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) != 0
            || (out_fd < 0
                        ? posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
                        : posix_spawn_file_actions_adddup2(&actions, out_fd, 1)) != 0)
                die("no memory to start %s", argv[0]);
        int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
        if (failed != 0)
                die("cannot start %s: %s", argv[0], strerror(failed));
        (void)posix_spawn_file_actions_destroy(&actions); /* of what init made: cannot fail */
        return pid;
}

static void reap(pid_t pid, const char *name)
{
        int status;

        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                die("%s failed", name);
}

static void run(char **argv)
{
        static char bytes[READ_PIECE];
        int64_t total = 0;
        int64_t first_us = 0;
        ssize_t n;
        int fds[2];

        int64_t start_us = now_us();
        if (pipe(fds) != 0 || fcntl(fds[0], F_SETFD, FD_CLOEXEC) != 0
            || fcntl(fds[1], F_SETFD, FD_CLOEXEC) != 0)
                die("no pipe");
        pid_t pid = spawn(argv, fds[1]);
        (void)close(fds[1]);
        while ((n = read(fds[0], bytes, sizeof bytes)) > 0) {
                if (total == 0)
                        first_us = now_us() - start_us;
                total += n;
        }
        (void)close(fds[0]);
        reap(pid, argv[0]);
        answer_number(first_us);
        answer_number(now_us() - start_us);
        answer_number(total);
}

/* The word with each {} replaced by the number. */
static char *numbered(const char *word, int64_t number)
{
        const char *gap = strstr(word, "{}");

        if (gap == NULL)
                return xstrdup(word);
        return xasprintf("%.*s%lld%s", (int)(gap - word), word, (long long)number, gap + 2);
}

static void many(int64_t count, char **argv)
{
        pid_t pids[AT_ONCE_MAX];
        char *words[ORDER_WORDS_MAX];

        if (count > AT_ONCE_MAX)
                die("many: %d at most", AT_ONCE_MAX);
        int64_t start_us = now_us();
        for (int64_t number = 1; number <= count; number++) {
                size_t used = 0;
                for (; argv[used] != NULL; used++)
                        words[used] = numbered(argv[used], number);
                words[used] = NULL;
                pids[number - 1] = spawn(words, -1);
                while (used > 0)
                        free(words[--used]);
        }
        for (int64_t i = 0; i < count; i++)
                reap(pids[i], argv[0]);
        answer_number(now_us() - start_us);
}

static void spin(void)
{
        volatile uint64_t state = 1;
        int64_t start_us = now_us();

        for (int turn = 0; turn < SPIN_TURNS; turn++)
                state = state * 6364136223846793005u + 1442695040888963407u;
        answer_number(now_us() - start_us);
}

int main(void)
{
        struct order order;

        while (orders_next(&order)) {
                if (order_is(&order, "spin", 0))
                        spin();
                else if (order.count > 1 && strcmp(order.words[0], "run") == 0)
                        run(order.words + 1);
                else if (order.count > 2 && strcmp(order.words[0], "many") == 0)
                        many(order_number(&order, 1), order.words + 2);
                else
                        die("process: \"%s\" is not understood", order.words[0]);
                answer_done();
        }
        return EXIT_SUCCESS;
}
