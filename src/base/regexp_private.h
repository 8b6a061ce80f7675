#pragma once
/*
 * regexp_private.h - the program that a pattern becomes, for the files that write and run it.
 *
 *      regexp_parse.c  pattern to tree
 *      regexp_write.c  tree to program
 *      regexp.c        program over text
 *
 * Process: any. Pure.
 * Memory:  all of fixed size, inside the regexp or on the stack of regexp_new().
 */
#include "base/regexp.h"

#define REGEXP_CHARACTER_MAX 0x10FFFFu
#define REGEXP_NODES_MAX     (2 * REGEXP_PATTERN_MAX + 2)

struct regexp_range {
        uint32_t first, last;
};

/* ---- the tree ---- */

enum regexp_node_kind {
        NODE_EMPTY,
        NODE_CHARACTER,
        NODE_ANY,
        NODE_SET,
        NODE_LINE_BEGIN,
        NODE_LINE_END,
        NODE_WORD_EDGE,
        NODE_NO_WORD_EDGE,
        NODE_BOTH,   /* left, then right */
        NODE_EITHER, /* left or right */
        NODE_REPEAT, /* left, least to most times */
};

#define REGEXP_UNLIMITED (-1)

struct regexp_node {
        enum regexp_node_kind kind;
        uint32_t character;
        unsigned set_begin, set_count; /* in ranges */
        bool is_negated;
        int left, right; /* in nodes */
        int least, most;
};

struct regexp_tree {
        struct regexp_node nodes[REGEXP_NODES_MAX];
        int count;
        struct regexp_range *ranges; /* not ours: the regexp's, REGEXP_RANGES_MAX of them */
        unsigned range_count;
        bool ignores_case;
        int root;
};

bool regexp_parse(struct regexp_tree *tree, struct str pattern, struct err *err);

/* ---- the program ---- */

enum regexp_op { /* the first three take a character */
        OP_CHARACTER,
        OP_ANY,
        OP_SET,
        OP_LINE_BEGIN,
        OP_LINE_END,
        OP_WORD_EDGE,
        OP_NO_WORD_EDGE,
        OP_SPLIT, /* goes on at both */
        OP_JUMP,
        OP_MATCH,
};

struct regexp_state {
        enum regexp_op op;
        uint32_t character;
        unsigned set_begin, set_count;
        bool is_negated;
        unsigned to, also_to;
};

/* ERR_LIMIT: more than REGEXP_STATES_MAX, or a weight above REGEXP_WEIGHT_MAX. */
bool regexp_write(const struct regexp_tree *tree, struct regexp_state *states,
                  unsigned *out_count, unsigned *out_weight, struct err *err);
