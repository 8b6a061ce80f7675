/*
 * A tree of all forms; a node's `fail` leads to where the search goes on when the next byte is
 * none of its children's. Built anew, except for the tree itself, when a secret is added: node
 * numbers stay good, so that streams need to look only at what they hold back.
 */
#include "session/secrecy/redactor_private.h"

#include "base/alloc.h"
#include "session/secrecy/secret_forms.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 1024 /* nodes */

static void make_room(struct redactor *redactor, uint32_t room)
{
        struct secret *memory = secret_new_blank(room * sizeof(struct redactor_node));

        if (redactor->memory != NULL)
                memcpy(secret_room(memory), redactor->nodes,
                       redactor->count * sizeof(struct redactor_node));
        secret_free(redactor->memory);
        redactor->memory = memory;
        redactor->nodes = secret_room(memory);
        redactor->room = room;
}

struct redactor *redactor_new(void)
{
        struct redactor *redactor = xcalloc(1, sizeof *redactor);

        redactor->count = 1; /* the root */
        return redactor;
}

void redactor_free(struct redactor *redactor)
{
        if (redactor == NULL)
                return;
        secret_free(redactor->memory);
        secret_wipe(redactor, sizeof *redactor);
        free(redactor);
}

bool redactor_is_empty(const struct redactor *redactor)
{
        return redactor == NULL || redactor->count == 1;
}

static uint32_t find_child(const struct redactor *redactor, uint32_t node, uint8_t byte)
{
        uint32_t child =
                node == REDACTOR_ROOT ? redactor->first[byte] : redactor->nodes[node].child;

        while (node != REDACTOR_ROOT && child != REDACTOR_ROOT
               && redactor->nodes[child].byte != byte)
                child = redactor->nodes[child].sibling;
        return child;
}

static uint32_t add_child(struct redactor *redactor, uint32_t node, uint8_t byte)
{
        struct redactor_node *nodes = redactor->nodes;
        uint32_t added = redactor->count++;

        nodes[added] =
                (struct redactor_node){ .byte = byte, .depth = (uint16_t)(nodes[node].depth + 1) };
        if (node == REDACTOR_ROOT) {
                redactor->first[byte] = added;
        } else {
                nodes[added].sibling = nodes[node].child;
                nodes[node].child = added;
        }
        return added;
}

static void add_form(void *arg, struct str form)
{
        struct redactor *redactor = arg;
        const uint8_t *bytes = (const uint8_t *)form.ptr;
        uint32_t node = REDACTOR_ROOT;

        if (form.len < REDACTOR_SECRET_MIN)
                return;
        for (size_t i = 0; i < form.len && !redactor->is_full; i++) {
                uint32_t child = find_child(redactor, node, bytes[i]);
                if (child == REDACTOR_ROOT && redactor->count == redactor->room) {
                        redactor->is_full = redactor->room == REDACTOR_NODES_MAX;
                        if (!redactor->is_full)
                                make_room(redactor, redactor->room * 2);
                }
                if (!redactor->is_full)
                        node = child != REDACTOR_ROOT ? child : add_child(redactor, node, bytes[i]);
        }
        if (redactor->is_full)
                return;
        redactor->nodes[node].is_end = true;
        size_t pair = (size_t)bytes[0] << 8 | bytes[1];
        redactor->pairs[pair >> 6] |= UINT64_C(1) << (pair & 63);
}

/* For a node whose parent, and all nodes above it, are linked. */
static void link_node(struct redactor *redactor, uint32_t node, uint32_t parent)
{
        struct redactor_node *at = &redactor->nodes[node];

        at->fail = parent == REDACTOR_ROOT
                           ? REDACTOR_ROOT
                           : redactor_step(redactor, redactor->nodes[parent].fail, at->byte);
        at->match = at->is_end ? at->depth : redactor->nodes[at->fail].match;
}

/* Breadth first: a fail is nearer to the root than its node. */
static void link_all(struct redactor *redactor)
{
        uint32_t *queue = xcalloc(redactor->count, sizeof *queue);
        uint32_t end = 0;

        for (unsigned byte = 0; byte < 256; byte++) {
                if (redactor->first[byte] == REDACTOR_ROOT)
                        continue;
                link_node(redactor, redactor->first[byte], REDACTOR_ROOT);
                queue[end++] = redactor->first[byte];
        }
        for (uint32_t at = 0; at < end; at++)
                for (uint32_t child = redactor->nodes[queue[at]].child; child != REDACTOR_ROOT;
                     child = redactor->nodes[child].sibling) {
                        link_node(redactor, child, queue[at]);
                        queue[end++] = child;
                }
        free(queue);
}

static struct str without_line_end(struct str text)
{
        while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
                text.len--;
        return text;
}

bool redactor_add(struct redactor *redactor, struct str secret, struct err *err)
{
        secret = without_line_end(secret);
        if (secret.len > REDACTOR_SECRET_MAX)
                return err_set(err, ERR_LIMIT,
                               "a secret of %zu bytes is too long: %d are the limit.", secret.len,
                               REDACTOR_SECRET_MAX);
        if (secret.len < REDACTOR_SECRET_MIN
            || memmem(REDACTED, strlen(REDACTED), secret.ptr, secret.len) != NULL)
                return true; /* the second: REDACTED itself would show it */
        if (redactor->memory == NULL)
                make_room(redactor, FIRST_ROOM);
        redactor->is_full = false;
        secret_forms_each(secret, add_form, redactor);
        link_all(redactor);
        redactor->generation++;
        if (redactor->is_full)
                return err_set(err, ERR_LIMIT,
                               "too many different secrets were seen to keep all of them out of "
                               "later output. Restart mcp-ssh-session, or use keys or an agent.");
        return true;
}

static void append(void *arg, const void *bytes, size_t len)
{
        (void)buf_append(arg, bytes, len); /* full: documented */
}

unsigned redactor_text(const struct redactor *redactor, struct str text, struct buf *out)
{
        if (redactor_is_empty(redactor)) {
                append(out, text.ptr, text.len);
                return 0;
        }
        struct redactor_stream *stream = redactor_stream_new(redactor);
        redactor_stream_feed(stream, text, append, out);
        redactor_stream_finish(stream, append, out);
        unsigned count = redactor_stream_count(stream);
        redactor_stream_free(stream);
        return count;
}
