#include "session/agent_filter.h"

#include <string.h>

#define SIGN_REQUEST       13 /* SSH_AGENTC_SIGN_REQUEST */
#define EXTENSION          27 /* SSH_AGENTC_EXTENSION */
#define IDENTITIES_ANSWER  12 /* SSH_AGENT_IDENTITIES_ANSWER */
#define LENGTH_LEN         4

const uint8_t agent_failure[AGENT_SHORT_LEN] = { 0, 0, 0, 1, 5 /* SSH_AGENT_FAILURE */ };
const uint8_t agent_success[AGENT_SHORT_LEN] = { 0, 0, 0, 1, 6 /* SSH_AGENT_SUCCESS */ };

static uint32_t number_at(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8
               | bytes[3];
}

/* Cuts a string (u32 length and bytes) off *rest. */
static bool take_string(struct str *rest, struct str *out)
{
        if (rest->len < LENGTH_LEN)
                return false;
        size_t len = number_at((const uint8_t *)rest->ptr);
        if (rest->len - LENGTH_LEN < len)
                return false;
        *out = (struct str){ rest->ptr + LENGTH_LEN, len };
        *rest = (struct str){ out->ptr + len, rest->len - LENGTH_LEN - len };
        return true;
}

enum agent_verdict agent_answer_look(const uint8_t *bytes, size_t len, size_t *out_used)
{
        if (len < LENGTH_LEN)
                return AGENT_MORE;
        size_t body = number_at(bytes);
        if (body == 0 || body > AGENT_MESSAGE_MAX)
                return AGENT_BAD;
        if (len - LENGTH_LEN < body)
                return AGENT_MORE;
        *out_used = LENGTH_LEN + body;
        return AGENT_PASS;
}

static bool is_shown(const struct agent_filter *filter, struct str blob)
{
        if (filter->selected_len > 0)
                return blob.len == filter->selected_len
                       && memcmp(blob.ptr, filter->selected, blob.len) == 0;
        return !filter->preferred_only
               || (filter->preferred != NULL && key_blobs_have(filter->preferred, blob));
}

/* string "select@mcp-ssh-session", string blob; an empty blob takes the selection back. */
static enum agent_verdict look_at_extension(struct agent_filter *filter, struct str rest)
{
        struct str name;
        struct str blob;

        if (!take_string(&rest, &name) || !str_is(name, "select@mcp-ssh-session")
            || !take_string(&rest, &blob) || rest.len != 0 || blob.len > sizeof filter->selected)
                return AGENT_REFUSE;
        filter->selected_len = 0;
        if (blob.len > 0 && !is_shown(filter, blob))
                return AGENT_REFUSE;
        if (blob.len > 0)
                memcpy(filter->selected, blob.ptr, blob.len);
        filter->selected_len = blob.len;
        return AGENT_TAKEN;
}

static enum agent_verdict look_at_sign_request(struct agent_filter *filter, struct str rest)
{
        struct str blob;

        if (filter->signs == AGENT_SIGN_MAX || !take_string(&rest, &blob)
            || !is_shown(filter, blob))
                return AGENT_REFUSE;
        filter->signs++;
        return AGENT_PASS;
}

enum agent_verdict agent_filter_look(struct agent_filter *filter, const uint8_t *bytes, size_t len,
                                     size_t *out_used)
{
        enum agent_verdict whole = agent_answer_look(bytes, len, out_used);

        if (whole != AGENT_PASS)
                return whole;
        struct str rest = { (const char *)bytes + LENGTH_LEN + 1, *out_used - LENGTH_LEN - 1 };
        switch (bytes[LENGTH_LEN]) {
        case AGENT_REQUEST_IDENTITIES: return rest.len == 0 ? AGENT_PASS : AGENT_REFUSE;
        case SIGN_REQUEST: return look_at_sign_request(filter, rest);
        case EXTENSION: return look_at_extension(filter, rest);
        default: /* a number from a worker, not our enum */ return AGENT_REFUSE;
        }
}

static void put_number(uint8_t out[LENGTH_LEN], size_t number)
{
        out[0] = (uint8_t)(number >> 24);
        out[1] = (uint8_t)(number >> 16);
        out[2] = (uint8_t)(number >> 8);
        out[3] = (uint8_t)number;
}

/* The list on its way to the worker. */
struct list_out {
        struct buf *out; /* not ours */
        uint32_t count;
};

static bool add_item(struct list_out *list, struct str item)
{
        if (list->count == AGENT_SHOWN_MAX)
                return true;
        list->count++;
        return buf_append(list->out, item.ptr, item.len);
}

/*
 * Adds the keys of the agent's list that are `wanted`, or, wanted NULL, that are shown and are
 * not preferred. items: for each key a blob and a comment.
 */
static bool add_items(const struct agent_filter *filter, const struct buf *wanted, struct str items,
                      uint32_t how_many, struct list_out *list)
{
        for (; how_many > 0; how_many--) {
                struct str item = items;
                struct str blob;
                struct str comment;
                if (!take_string(&items, &blob) || !take_string(&items, &comment))
                        return false;
                item.len -= items.len;
                bool is_wanted = wanted != NULL
                                         ? blob.len == wanted->len
                                                   && memcmp(blob.ptr, wanted->data, blob.len) == 0
                                         : filter->preferred == NULL
                                                   || !key_blobs_have(filter->preferred, blob);
                if (is_wanted && is_shown(filter, blob) && !add_item(list, item))
                        return false;
        }
        return true;
}

/* An identities answer: u32 length, type, u32 how many, and for each a blob and a comment. */
static bool pass_list(const struct agent_filter *filter, struct str answer, struct buf *out)
{
        static const uint8_t head[LENGTH_LEN + 1 + LENGTH_LEN] = { [LENGTH_LEN] =
                                                                           IDENTITIES_ANSWER };
        struct list_out list = { .out = out };
        size_t begin = out->len;

        if (answer.len < sizeof head || !buf_append(out, head, sizeof head))
                return false;
        uint32_t how_many = number_at((const uint8_t *)answer.ptr + LENGTH_LEN + 1);
        struct str items = { answer.ptr + sizeof head, answer.len - sizeof head };
        for (unsigned i = 0; filter->preferred != NULL && i < filter->preferred->count; i++)
                if (!add_items(filter, &filter->preferred->items[i], items, how_many, &list))
                        return false;
        if (!add_items(filter, NULL, items, how_many, &list))
                return false;
        put_number(out->data + begin, out->len - begin - LENGTH_LEN);
        put_number(out->data + begin + LENGTH_LEN + 1, list.count);
        return true;
}

bool agent_answer_pass(const struct agent_filter *filter, struct str answer, struct buf *out)
{
        size_t begin = out->len;

        if ((uint8_t)answer.ptr[LENGTH_LEN] != IDENTITIES_ANSWER)
                return buf_append(out, answer.ptr, answer.len);
        if (pass_list(filter, answer, out))
                return true;
        out->len = begin;
        return false;
}
