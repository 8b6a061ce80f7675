#include "orders.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *line;
static size_t line_cap;

bool orders_next(struct order *out_order)
{
        char *rest;

        do {
                if (getline(&line, &line_cap, stdin) <= 0)
                        return false;
                out_order->count = 0;
                for (char *word = strtok_r(line, " \n", &rest); word != NULL;
                     word = strtok_r(NULL, " \n", &rest)) {
                        if (out_order->count == ORDER_WORDS_MAX)
                                die("an order of more than %d words", ORDER_WORDS_MAX);
                        out_order->words[out_order->count++] = word;
                }
        } while (out_order->count == 0);
        out_order->words[out_order->count] = NULL;
        return true;
}

bool order_is(const struct order *order, const char *name, size_t argument_count)
{
        return order->count == argument_count + 1 && strcmp(order->words[0], name) == 0;
}

int64_t order_number(const struct order *order, size_t word)
{
        long long number;

        if (!str_number(str_of(order->words[word]), &number) || number < 1)
                die("%s: %s is not a number from 1 upwards", order->words[0], order->words[word]);
        return number;
}

void answer_number(int64_t number)
{
        (void)printf("%lld ", (long long)number);
}

void answer_done(void)
{
        (void)putchar('\n');
        if (fflush(stdout) != 0)
                die("nobody reads the answer");
}

int64_t now_us(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void die(const char *fmt, ...)
{
        va_list args;

        (void)fflush(stdout);
        va_start(args, fmt);
        (void)vfprintf(stderr, fmt, args);
        va_end(args);
        (void)fputc('\n', stderr);
        exit(EXIT_FAILURE);
}
