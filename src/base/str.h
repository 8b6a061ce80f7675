#pragma once
/*
 * str.h - borrowed bytes: a pointer and a length, nothing owned.
 *
 * Process: any.
 * Memory:  a struct str is good as long as what it points into.
 */
#include <stdbool.h>
#include <stddef.h>

struct str {
        const char *ptr; /* may be NULL when len is 0 */
        size_t len;
};

struct str str_of(const char *text); /* of a NUL-terminated text */
bool str_is(struct str str, const char *text);
bool str_starts(struct str str, const char *prefix);
const char *str_find_last(struct str str, char byte); /* NULL: it is not there */
struct str str_trim(struct str str); /* without blanks, tabs, CR and LF at both ends */

/* Cuts the first word (blank- or tab-separated) off *rest; empty when there is none left. */
struct str str_word(struct str *rest);

/* Cuts the first line off *rest, without its \n and a \r before it; false when *rest is empty. */
bool str_line(struct str *rest, struct str *out_line);

/* Cuts the first item off a list with commas between; false when *rest is empty. */
bool str_item(struct str *rest, struct str *out_item);

/* A whole decimal number of at most 18 digits, and nothing else. */
bool str_number(struct str str, long long *out_number);
