/* The tree becomes a program; where there is no room any more, nothing is written. */
#include "base/regexp_private.h"

#include "base/log.h"

struct writer {
        const struct regexp_tree *tree;
        struct regexp_state *states;
        unsigned count;
        unsigned weight;
        bool is_full;
};

static unsigned add(struct writer *writer, const struct regexp_state *state)
{
        writer->weight += 1 + state->set_count;
        if (writer->count == REGEXP_STATES_MAX || writer->weight > REGEXP_WEIGHT_MAX) {
                writer->is_full = true;
                return 0;
        }
        writer->states[writer->count] = *state;
        return writer->count++;
}

static unsigned add_op(struct writer *writer, enum regexp_op op)
{
        struct regexp_state state = { .op = op };

        return add(writer, &state);
}

static void write_node(struct writer *writer, int at);

static void write_either(struct writer *writer, const struct regexp_node *node)
{
        unsigned split = add_op(writer, OP_SPLIT);
        writer->states[split].to = writer->count;
        write_node(writer, node->left);
        unsigned jump = add_op(writer, OP_JUMP);
        writer->states[split].also_to = writer->count;
        write_node(writer, node->right);
        writer->states[jump].to = writer->count;
}

/* Once or not at all, or again and again. */
static void write_optional(struct writer *writer, int left, bool again)
{
        unsigned split = add_op(writer, OP_SPLIT);
        writer->states[split].to = writer->count;
        write_node(writer, left);
        if (again) {
                unsigned jump = add_op(writer, OP_JUMP);
                writer->states[jump].to = split;
        }
        writer->states[split].also_to = writer->count;
}

static void write_repeat(struct writer *writer, const struct regexp_node *node)
{
        unsigned before = writer->count;

        for (int i = 0; i < node->least && !writer->is_full; i++) {
                write_node(writer, node->left);
                if (writer->count == before)
                        break; /* nothing, and as often as one likes */
        }
        if (node->most == REGEXP_UNLIMITED)
                write_optional(writer, node->left, true);
        for (int i = node->least; i < node->most && !writer->is_full; i++)
                write_optional(writer, node->left, false);
}

static void write_set(struct writer *writer, const struct regexp_node *node)
{
        struct regexp_state state = { .op = OP_SET,
                                      .set_begin = node->set_begin,
                                      .set_count = node->set_count,
                                      .is_negated = node->is_negated };

        (void)add(writer, &state); /* full: noted there */
}

static void write_character(struct writer *writer, const struct regexp_node *node)
{
        struct regexp_state state = { .op = OP_CHARACTER, .character = node->character };

        (void)add(writer, &state);
}

/*
 * When it is full, states written before are patched wrongly: the program is thrown away. The
 * depth is that of the tree, REGEXP_NODES_MAX at most.
 */
static void write_node(struct writer *writer, int at)
{
        const struct regexp_node *node = &writer->tree->nodes[at];

        if (writer->is_full)
                return;
        switch (node->kind) {
        case NODE_EMPTY:        return;
        case NODE_CHARACTER:    write_character(writer, node); return;
        case NODE_ANY:          (void)add_op(writer, OP_ANY); return;
        case NODE_SET:          write_set(writer, node); return;
        case NODE_LINE_BEGIN:   (void)add_op(writer, OP_LINE_BEGIN); return;
        case NODE_LINE_END:     (void)add_op(writer, OP_LINE_END); return;
        case NODE_WORD_EDGE:    (void)add_op(writer, OP_WORD_EDGE); return;
        case NODE_NO_WORD_EDGE: (void)add_op(writer, OP_NO_WORD_EDGE); return;
        case NODE_BOTH:
                write_node(writer, node->left);
                write_node(writer, node->right);
                return;
        case NODE_EITHER: write_either(writer, node); return;
        case NODE_REPEAT: write_repeat(writer, node); return;
        }
        bug("regexp node %d", (int)node->kind);
}

bool regexp_write(const struct regexp_tree *tree, struct regexp_state *states,
                  unsigned *out_count, unsigned *out_weight, struct err *err)
{
        struct writer writer = { .tree = tree, .states = states };

        write_node(&writer, tree->root);
        (void)add_op(&writer, OP_MATCH);
        if (writer.is_full)
                return err_set(err, ERR_LIMIT,
                               "the pattern takes more than %d states, or %d with the ranges of its "
                               "classes: use smaller numbers in {m,n}, or fewer of them inside each "
                               "other.",
                               REGEXP_STATES_MAX, REGEXP_WEIGHT_MAX);
        *out_count = writer.count;
        *out_weight = writer.weight;
        return true;
}
