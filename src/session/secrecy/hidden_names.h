#pragma once
/*
 * hidden_names.h - names that an operator's override brought in, taken out of texts for others.
 *
 * They are no secrets, but nobody's business: what stands for them says which variable has them.
 *
 * Process: supervisor. Pure.
 */
#include "base/buf.h"

#define HIDDEN_NAMES_MAX 6

struct hidden_names {
        struct hidden_name {
                char *name;
                char *shown;
        } items[HIDDEN_NAMES_MAX];
        unsigned count;
};

/* Zeroed memory is none of them; name NULL: nothing is added. */
void hidden_names_add(struct hidden_names *names, const char *name, const char *shown);
void hidden_names_fini(struct hidden_names *names);

/*
 * Appends the text to out; a name counts where it is a word or a whole path, in capitals or not: a
 * host's name is made small on its way.
 */
void hidden_names_replace(const struct hidden_names *names, const char *text, struct buf *out);
