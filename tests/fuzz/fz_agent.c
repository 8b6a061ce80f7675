/* A worker's requests to the agent and an agent's answers, with and without a list of keys. */
#include "fuzz.h"
#include "session/login/agent_filter.h"

static void look(struct agent_filter *filter, const uint8_t *bytes, size_t len)
{
        size_t used = 0;
        struct buf out;

        buf_init(&out, AGENT_MESSAGE_MAX + 4);
        if (agent_filter_look(filter, bytes, len, &used) == AGENT_PASS
            && (used > len || (bytes[4] & ~6) != 9))
                abort(); /* 11 and 13 */
        if (agent_answer_look(bytes, len, &used) == AGENT_PASS
            && agent_answer_pass(filter, (struct str){ (const char *)bytes, used }, &out)
            && out.len > used)
                abort();
        buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        uint8_t *copy = (uint8_t *)fuzz_copy(bytes, len);
        struct key_blobs *allowed = xcalloc(1, sizeof *allowed);
        struct agent_filter any = { 0 };
        struct agent_filter bobs = { .user = "bob" };
        struct agent_filter first = { .preferred = allowed };
        struct agent_filter some = { .preferred = allowed, .preferred_only = true };

        (void)key_blobs_add_line(allowed, (struct str){ (const char *)copy, len });
        look(&any, copy, len);
        look(&bobs, copy, len);
        look(&first, copy, len);
        look(&some, copy, len);
        key_blobs_free(allowed);
        free(copy);
        return 0;
}
