/* A pattern, a newline, a text: nothing crashes, matches lie inside, and the steps are bounded. */
#include "base/regexp.h"
#include "fuzz.h"

static void check(struct regexp *regexp, struct str text, size_t min_end)
{
        struct regexp_text line = { .text = text, .is_begin = true, .is_end = true,
                                    .min_end = min_end };
        struct regexp_match match;
        struct regexp_match again;
        uint64_t steps = 0;

        bool is_found = regexp_find(regexp, &line, &match, &steps);
        fuzz_check(steps <= (text.len + 1) * REGEXP_STEPS * regexp_weight(regexp));
        fuzz_check(regexp_find(regexp, &line, &again, &steps) == is_found);
        if (!is_found)
                return;
        fuzz_check(match.begin <= match.end && match.end <= text.len && match.end >= min_end);
        fuzz_check(match.begin == again.begin && match.end == again.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        const uint8_t *newline = len > 0 ? memchr(bytes, '\n', len) : NULL;
        size_t pattern_len = newline != NULL ? (size_t)(newline - bytes) : len;
        size_t text_len = newline != NULL ? len - pattern_len - 1 : 0;
        char *pattern = fuzz_copy(bytes, pattern_len);
        char *text = fuzz_copy(bytes + len - text_len, text_len);
        struct regexp *regexp = NULL;
        struct err err = { 0 };

        bool is_good = regexp_new(&regexp, (struct str){ pattern, pattern_len }, &err);
        fuzz_check(is_good == (err.code == ERR_NONE));
        if (is_good) {
                fuzz_check(regexp_weight(regexp) <= REGEXP_WEIGHT_MAX);
                check(regexp, (struct str){ text, text_len }, 0);
                check(regexp, (struct str){ text, text_len }, text_len / 2);
        }
        regexp_free(regexp);
        free(pattern);
        free(text);
        return 0;
}
