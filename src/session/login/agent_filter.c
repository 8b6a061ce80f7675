#include "session/login/agent_filter.h"

#include "base/packed.h"

#include <string.h>

#define SIGN_REQUEST      13 /* SSH_AGENTC_SIGN_REQUEST */
#define EXTENSION         27 /* SSH_AGENTC_EXTENSION */
#define USERAUTH_REQUEST  50 /* SSH_MSG_USERAUTH_REQUEST */
#define IDENTITIES_ANSWER 12 /* SSH_AGENT_IDENTITIES_ANSWER */

const uint8_t agent_failure[AGENT_SHORT_LEN] = { 0, 0, 0, 1, 5 /* SSH_AGENT_FAILURE */ };
const uint8_t agent_success[AGENT_SHORT_LEN] = { 0, 0, 0, 1, 6 /* SSH_AGENT_SUCCESS */ };

enum agent_verdict agent_answer_look(const uint8_t *bytes, size_t len, size_t *out_used)
{
        if (len < PACKED_NUMBER_LEN)
                return AGENT_MORE;
        size_t body = packed_number_at(bytes);
        if (body == 0 || body > AGENT_MESSAGE_MAX)
                return AGENT_BAD;
        if (len - PACKED_NUMBER_LEN < body)
                return AGENT_MORE;
        *out_used = PACKED_NUMBER_LEN + body;
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

        if (!packed_take(&rest, &name) || !str_is(name, "select@mcp-ssh-session")
            || !packed_take(&rest, &blob) || rest.len != 0 || blob.len > sizeof filter->selected)
                return AGENT_REFUSE;
        filter->selected_len = 0;
        if (blob.len > 0 && !is_shown(filter, blob))
                return AGENT_REFUSE;
        if (blob.len > 0)
                memcpy(filter->selected, blob.ptr, blob.len);
        filter->selected_len = blob.len;
        return AGENT_TAKEN;
}

static bool take_this(struct str *rest, const char *text)
{
        struct str found;

        return packed_take(rest, &found) && str_is(found, text);
}

static bool take_byte(struct str *rest, uint8_t byte)
{
        if (rest->len == 0 || (uint8_t)rest->ptr[0] != byte)
                return false;
        *rest = (struct str){ rest->ptr + 1, rest->len - 1 };
        return true;
}

/* string session id, and then the request itself up to its signature; RFC 4252 7. */
static bool is_log_in(struct str data, const char *user, struct str key)
{
        struct str session_id;
        struct str algorithm;
        struct str blob;

        return packed_take(&data, &session_id) && take_byte(&data, USERAUTH_REQUEST)
               && take_this(&data, user) && take_this(&data, "ssh-connection")
               && take_this(&data, "publickey") && take_byte(&data, 1)
               && packed_take(&data, &algorithm) && packed_take(&data, &blob) && data.len == 0
               && blob.len == key.len && memcmp(blob.ptr, key.ptr, key.len) == 0;
}

static enum agent_verdict look_at_sign_request(struct agent_filter *filter, struct str rest)
{
        struct str blob;
        struct str data;

        if (filter->signs == AGENT_SIGN_MAX || !packed_take(&rest, &blob)
            || !is_shown(filter, blob))
                return AGENT_REFUSE;
        if (filter->user != NULL
            && (!packed_take(&rest, &data) || !is_log_in(data, filter->user, blob)))
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
        struct str rest = { (const char *)bytes + PACKED_NUMBER_LEN + 1,
                            *out_used - PACKED_NUMBER_LEN - 1 };
        switch (bytes[PACKED_NUMBER_LEN]) {
        case AGENT_REQUEST_IDENTITIES: return rest.len == 0 ? AGENT_PASS : AGENT_REFUSE;
        case SIGN_REQUEST: return look_at_sign_request(filter, rest);
        case EXTENSION: return look_at_extension(filter, rest);
        default: /* a number from a worker, not our enum */ return AGENT_REFUSE;
        }
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
                if (!packed_take(&items, &blob) || !packed_take(&items, &comment))
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
        static const uint8_t head[PACKED_NUMBER_LEN + 1 + PACKED_NUMBER_LEN] = {
                [PACKED_NUMBER_LEN] = IDENTITIES_ANSWER
        };
        struct list_out list = { .out = out };
        size_t begin = out->len;

        if (answer.len < sizeof head || !buf_append(out, head, sizeof head))
                return false;
        uint32_t how_many = packed_number_at(answer.ptr + PACKED_NUMBER_LEN + 1);
        struct str items = { answer.ptr + sizeof head, answer.len - sizeof head };
        for (unsigned i = 0; filter->preferred != NULL && i < filter->preferred->count; i++)
                if (!add_items(filter, &filter->preferred->items[i], items, how_many, &list))
                        return false;
        if (!add_items(filter, NULL, items, how_many, &list))
                return false;
        packed_put_number(out->data + begin, (uint32_t)(out->len - begin - PACKED_NUMBER_LEN));
        packed_put_number(out->data + begin + PACKED_NUMBER_LEN + 1, list.count);
        return true;
}

bool agent_answer_pass(const struct agent_filter *filter, struct str answer, struct buf *out)
{
        size_t begin = out->len;

        if ((uint8_t)answer.ptr[PACKED_NUMBER_LEN] != IDENTITIES_ANSWER)
                return buf_append(out, answer.ptr, answer.len);
        if (pass_list(filter, answer, out))
                return true;
        out->len = begin;
        return false;
}
