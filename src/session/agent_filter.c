#include "session/agent_filter.h"

#define SIGN_REQUEST       13 /* SSH_AGENTC_SIGN_REQUEST */
#define IDENTITIES_ANSWER  12 /* SSH_AGENT_IDENTITIES_ANSWER */
#define LENGTH_LEN         4

const uint8_t agent_failure[AGENT_FAILURE_LEN] = { 0, 0, 0, 1, 5 /* SSH_AGENT_FAILURE */ };

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

enum agent_verdict agent_filter_look(struct agent_filter *filter, const uint8_t *bytes, size_t len,
                                     size_t *out_used)
{
        enum agent_verdict whole = agent_answer_look(bytes, len, out_used);

        if (whole != AGENT_PASS)
                return whole;
        if (bytes[LENGTH_LEN] == AGENT_REQUEST_IDENTITIES)
                return *out_used == LENGTH_LEN + 1 ? AGENT_PASS : AGENT_REFUSE;
        if (bytes[LENGTH_LEN] != SIGN_REQUEST || filter->signs == AGENT_SIGN_MAX)
                return AGENT_REFUSE;
        struct str rest = { (const char *)bytes + LENGTH_LEN + 1, *out_used - LENGTH_LEN - 1 };
        struct str blob;
        if (filter->allowed != NULL
            && (!take_string(&rest, &blob) || !key_blobs_have(filter->allowed, blob)))
                return AGENT_REFUSE;
        filter->signs++;
        return AGENT_PASS;
}

static void put_number(uint8_t out[LENGTH_LEN], size_t number)
{
        out[0] = (uint8_t)(number >> 24);
        out[1] = (uint8_t)(number >> 16);
        out[2] = (uint8_t)(number >> 8);
        out[3] = (uint8_t)number;
}

/* An identities answer: u32 length, type, u32 how many, and for each a blob and a comment. */
static bool pass_allowed(const struct key_blobs *allowed, struct str answer, struct buf *out)
{
        static const uint8_t head[LENGTH_LEN + 1 + LENGTH_LEN] = { [LENGTH_LEN] =
                                                                           IDENTITIES_ANSWER };
        size_t begin = out->len;
        uint32_t count = 0;

        if (answer.len < sizeof head || !buf_append(out, head, sizeof head))
                return false;
        uint32_t left = number_at((const uint8_t *)answer.ptr + LENGTH_LEN + 1);
        struct str rest = { answer.ptr + sizeof head, answer.len - sizeof head };
        for (; left > 0; left--) {
                struct str item = rest;
                struct str blob;
                struct str comment;
                if (!take_string(&rest, &blob) || !take_string(&rest, &comment))
                        return false;
                item.len -= rest.len;
                if (!key_blobs_have(allowed, blob))
                        continue;
                if (!buf_append(out, item.ptr, item.len))
                        return false;
                count++;
        }
        put_number(out->data + begin, out->len - begin - LENGTH_LEN);
        put_number(out->data + begin + LENGTH_LEN + 1, count);
        return true;
}

bool agent_answer_pass(const struct agent_filter *filter, struct str answer, struct buf *out)
{
        size_t begin = out->len;

        if (filter->allowed == NULL || (uint8_t)answer.ptr[LENGTH_LEN] != IDENTITIES_ANSWER)
                return buf_append(out, answer.ptr, answer.len);
        if (pass_allowed(filter->allowed, answer, out))
                return true;
        out->len = begin;
        return false;
}
