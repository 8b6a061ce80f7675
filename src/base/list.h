#pragma once
/*
 * list.h - doubly linked list inside the objects themselves. No allocation.
 *
 * A list is a struct list_node that is its own head: list_init(&head). An object holds a
 * struct list_node and is found back with list_entry().
 *
 * Process: any.
 * Memory:  the list owns nothing.
 */
#include <stdbool.h>
#include <stddef.h>

struct list_node {
        struct list_node *prev;
        struct list_node *next;
};

static inline void list_init(struct list_node *node)
{
        node->prev = node;
        node->next = node;
}

static inline bool list_is_empty(const struct list_node *head)
{
        return head->next == head;
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
        node->prev = head->prev;
        node->next = head;
        head->prev->next = node;
        head->prev = node;
}

/* Takes the node out of whatever list it is in; harmless on a node that is in none but was init'ed. */
static inline void list_remove(struct list_node *node)
{
        node->prev->next = node->next;
        node->next->prev = node->prev;
        list_init(node);
}

#define list_entry(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* The body may remove `at`, and nothing else. */
#define list_each(at, head)                                                                        \
        for (struct list_node *at = (head)->next, *at##_next = at->next; at != (head);             \
             at = at##_next, at##_next = at->next)
