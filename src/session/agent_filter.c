#include "session/agent_filter.h"

#define REQUEST_IDENTITIES 11 /* SSH_AGENTC_REQUEST_IDENTITIES */
#define SIGN_REQUEST       13 /* SSH_AGENTC_SIGN_REQUEST */
#define LENGTH_LEN         4

const uint8_t agent_failure[AGENT_FAILURE_LEN] = { 0, 0, 0, 1, 5 /* SSH_AGENT_FAILURE */ };

enum agent_verdict agent_answer_look(const uint8_t *bytes, size_t len, size_t *out_used)
{
        if (len < LENGTH_LEN)
                return AGENT_MORE;
        size_t body = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
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
        if (bytes[LENGTH_LEN] == REQUEST_IDENTITIES)
                return *out_used == LENGTH_LEN + 1 ? AGENT_PASS : AGENT_REFUSE;
        if (bytes[LENGTH_LEN] != SIGN_REQUEST || filter->signs == AGENT_SIGN_MAX)
                return AGENT_REFUSE;
        filter->signs++;
        return AGENT_PASS;
}
