#pragma once
/*
 * orders.h - what the three bench programs have in common: orders in, microseconds out.
 *
 * A bench program stays up and does what a line on its standard input says, so that bench.py can
 * take turns between programs while each keeps its connection. The first word is the order, the
 * others are its arguments. The answer is one line of numbers. Whatever fails ends the program:
 * a number of something that went wrong is worth nothing.
 *
 * Process: a bench program.
 * Memory:  the words of an order are borrowed until the next orders_next().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_WORDS_MAX 64

struct order {
        char *words[ORDER_WORDS_MAX + 1]; /* NULL behind the last */
        size_t count;                     /* at least 1 */
};

/* Waits for the next line; false at the end of the input. */
bool orders_next(struct order *out_order);

bool order_is(const struct order *order, const char *name, size_t argument_count);

void answer_number(int64_t number);
void answer_done(void); /* ends the line, and not before does the reader see it */

int64_t now_us(void); /* monotonic */

/* argument as a number from 1 upwards; ends the program if it is none */
int64_t order_number(const struct order *order, size_t word);

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
