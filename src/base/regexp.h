#pragma once
/*
 * regexp.h - regular expressions over one line of text, in time linear in its length.
 *
 * A pattern becomes a program of at most REGEXP_STATES_MAX states, and all states that a text can
 * be in are followed at once (K. Thompson, "Regular Expression Search Algorithm", CACM 11/6,
 * 1968), so that no pattern and no text makes it take long: a character takes at most
 * REGEXP_STEPS times the pattern's weight.
 *
 * What there is, as in perlre(1): literals, . [a-z] [^a-z] [[:alpha:]], \d \w \s \D \W \S of
 * ASCII, ^ $ \b \B, ( ) (?: ), |, * + ? {m} {m,} {m,n} (a ? behind them changes nothing), \t \e
 * \xHH, (?i) at the beginning for ASCII letters. Characters are those of UTF-8. Back references
 * and look-around are not there, because they cannot be had in linear time.
 *
 * Process: any. Pure.
 * Memory:  a regexp owns its program and what matching needs: matching allocates nothing.
 * Errors:  ERR_INPUT and ERR_LIMIT; the text says where in the pattern and what would do.
 */
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define REGEXP_PATTERN_MAX 1000 /* bytes; a longer one is refused */
#define REGEXP_STATES_MAX  500  /* a pattern that takes more is refused; {m,n} takes n times */
#define REGEXP_WEIGHT_MAX  1000 /* states and, of each that is a class, its ranges; refused, too */
#define REGEXP_RANGES_MAX  500  /* of characters, in all classes together */
#define REGEXP_STEPS       3
#define REGEXP_DEPTH_MAX   50   /* groups inside each other */
#define REGEXP_REPEAT_MAX  500  /* m and n of {m,n} */

struct regexp;

/* Yours, regexp_free(); NULL is accepted there. */
bool regexp_new(struct regexp **out_regexp, struct str pattern, struct err *err);
void regexp_free(struct regexp *regexp);

unsigned regexp_weight(const struct regexp *regexp);

struct regexp_text {
        struct str text;
        bool is_begin;  /* the text begins where its line does: ^ is there */
        bool is_end;    /* it ends where its line does: $ is there */
        size_t min_end; /* a match ends at this byte or later */
};

struct regexp_match {
        size_t begin;
        size_t end;
};

/* The match that ends first, and of those the one that begins first. *steps grows by the work. */
bool regexp_find(struct regexp *regexp, const struct regexp_text *text,
                 struct regexp_match *out_match, uint64_t *steps);
