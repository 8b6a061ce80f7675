/* The side channel's answer to a signal: what is read is bounded. */
#include "fuzz.h"
#include "worker/shell/ladder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char *text = fuzz_copy(bytes, len);
        struct ladder_answer answer = ladder_read_answer((struct str){ text, len });

        fuzz_check(answer.kind <= LADDER_NOBODY && answer.pid >= 0);
        fuzz_check(memchr(answer.name, 0, LADDER_NAME_MAX) != NULL);
        free(text);
        return 0;
}
