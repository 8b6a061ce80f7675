#pragma once
/*
 * redactor_private.h - the inside of a redactor, for its two files.
 *
 *      redactor.c         all forms of all secrets as one automaton (Aho and Corasick, 1975)
 *      redactor_stream.c  a stream run through it
 *
 * Process: supervisor.
 */
#include "base/secret.h"
#include "session/secrecy/redactor.h"

#define REDACTOR_ROOT 0u

struct redactor_node {
        uint32_t child;   /* the first of its children, ROOT none */
        uint32_t sibling; /* ROOT: the last one */
        uint32_t fail;    /* the longest other beginning that this one ends with */
        uint16_t depth;
        uint16_t match; /* length of the longest form that ends here, 0 none */
        uint8_t byte;
        bool is_end; /* a form ends here that began at the root */
};

struct redactor {
        struct secret *memory;
        struct redactor_node *nodes; /* in memory */
        uint32_t count;
        uint32_t room;
        uint32_t first[256];     /* the root's children by their byte */
        uint64_t pairs[1 << 10]; /* bit (a << 8 | b): a form begins with these two bytes */
        uint64_t generation;     /* changes when a secret is added */
        bool is_full;
};

/* The state after one byte more. */
static inline uint32_t redactor_step(const struct redactor *redactor, uint32_t state, uint8_t byte)
{
        const struct redactor_node *nodes = redactor->nodes;

        while (state != REDACTOR_ROOT) {
                uint32_t child = nodes[state].child;
                while (child != REDACTOR_ROOT && nodes[child].byte != byte)
                        child = nodes[child].sibling;
                if (child != REDACTOR_ROOT)
                        return child;
                state = nodes[state].fail;
        }
        return redactor->first[byte];
}
