#include "base/pattern.h"

/* Steps back to the last star only. */
bool pattern_matches(struct str pattern, struct str text)
{
        size_t at = 0; /* in the pattern */
        size_t done = 0;
        size_t retry_at = 0; /* behind the last star; 0 none yet */
        size_t retry_done = 0;

        while (done < text.len) {
                if (at < pattern.len && pattern.ptr[at] == '*') {
                        retry_at = ++at;
                        retry_done = done;
                } else if (at < pattern.len
                           && (pattern.ptr[at] == '?' || pattern.ptr[at] == text.ptr[done])) {
                        at++;
                        done++;
                } else if (retry_at > 0) {
                        at = retry_at;
                        done = ++retry_done;
                } else {
                        return false;
                }
        }
        while (at < pattern.len && pattern.ptr[at] == '*')
                at++;
        return at == pattern.len;
}

bool pattern_weigh(struct str pattern, struct str text, bool *matches)
{
        bool excludes = str_starts(pattern, "!");
        struct str rest = { pattern.ptr + excludes, pattern.len - excludes };

        if (!pattern_matches(rest, text))
                return true;
        *matches = true;
        return !excludes;
}

bool pattern_list_matches(struct str list, struct str text)
{
        bool matches = false;
        struct str pattern;

        while (str_item(&list, &pattern))
                if (!pattern_weigh(pattern, text, &matches))
                        return false;
        return matches;
}
