/*
 * client.c - the program itself, measured from where an MCP client sits.
 *
 * client ARGV... takes the server's command line, then orders:
 *
 *      start               -> a fresh process until `initialize` is answered
 *      first HOST          -> a fresh process, initialized; then `true` on HOST until its result
 *      open                -> the server that the following orders use; its process id
 *      close
 *      ping N              -> N times
 *      true HOST N         -> N times, in one session
 *      output HOST FILE    -> `cat FILE` until its result; bytes of output
 *      all PREFIX N        -> `true` on PREFIX1 to PREFIXN, all at once, until the last result
 */
#include "mcp.h"
#include "orders.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

static void measure_start(char **argv)
{
        struct mcp mcp;
        int64_t start_us = now_us();

        mcp_start(&mcp, argv);
        answer_number(now_us() - start_us);
        mcp_stop(&mcp);
}

static void measure_first(char **argv, const char *host)
{
        struct mcp mcp;

        mcp_start(&mcp, argv);
        int64_t start_us = now_us();
        mcp_post_command(&mcp, host, "true");
        (void)mcp_take_result(&mcp);
        answer_number(now_us() - start_us);
        mcp_stop(&mcp);
}

static void measure_ping(struct mcp *mcp, int64_t times)
{
        for (int64_t i = 0; i < times; i++) {
                int64_t start_us = now_us();
                mcp_ping(mcp);
                answer_number(now_us() - start_us);
        }
}

static void measure_true(struct mcp *mcp, const char *host, int64_t times)
{
        for (int64_t i = 0; i < times; i++) {
                int64_t start_us = now_us();
                mcp_post_command(mcp, host, "true");
                (void)mcp_take_result(mcp);
                answer_number(now_us() - start_us);
        }
}

static void measure_output(struct mcp *mcp, const char *host, const char *file)
{
        char *command = xasprintf("cat %s", file);
        int64_t start_us = now_us();

        mcp_post_command(mcp, host, command);
        int64_t bytes = mcp_take_result(mcp);
        answer_number(now_us() - start_us);
        answer_number(bytes);
        free(command);
}

/* On the alternate screen an emulator stays, however much comes. */
static void switch_screen(struct mcp *mcp, const char *host, const char *capability)
{
        char *command = xasprintf("tput -T xterm %s", capability);

        mcp_post_command(mcp, host, command);
        (void)mcp_take_result(mcp);
        mcp_read_screen(mcp, host);
        free(command);
}

static void measure_all(struct mcp *mcp, const char *prefix, int64_t count)
{
        int64_t start_us = now_us();

        for (int64_t number = 1; number <= count; number++) {
                char *host = xasprintf("%s%lld", prefix, (long long)number);
                mcp_post_command(mcp, host, "true");
                free(host);
        }
        for (int64_t i = 0; i < count; i++)
                (void)mcp_take_result(mcp);
        answer_number(now_us() - start_us);
}

static void serve(struct mcp *mcp, char **argv, const struct order *order)
{
        char *const *words = order->words;

        if (order_is(order, "start", 0))
                measure_start(argv);
        else if (order_is(order, "first", 1))
                measure_first(argv, words[1]);
        else if (order_is(order, "open", 0) && mcp->pid == 0) {
                mcp_start(mcp, argv);
                answer_number(mcp->pid);
        } else if (mcp->pid == 0)
                die("client: \"%s\" before open, or not understood", words[0]);
        else if (order_is(order, "close", 0)) {
                mcp_stop(mcp);
                mcp->pid = 0;
        } else if (order_is(order, "ping", 1))
                measure_ping(mcp, order_number(order, 1));
        else if (order_is(order, "true", 2))
                measure_true(mcp, words[1], order_number(order, 2));
        else if (order_is(order, "output", 2))
                measure_output(mcp, words[1], words[2]);
        else if (order_is(order, "screen", 2))
                switch_screen(mcp, words[1], words[2]);
        else if (order_is(order, "all", 2))
                measure_all(mcp, words[1], order_number(order, 2));
        else
                die("client: \"%s\" is not understood", words[0]);
}

int main(int argc, char **argv)
{
        struct mcp mcp = { 0 };
        struct order order;

        if (argc < 2) {
                (void)fprintf(stderr, "usage: client SERVER [ARGUMENT...]\n");
                return 2;
        }
        while (orders_next(&order)) {
                serve(&mcp, argv + 1, &order);
                answer_done();
        }
        if (mcp.pid != 0)
                mcp_stop(&mcp);
        return EXIT_SUCCESS;
}
