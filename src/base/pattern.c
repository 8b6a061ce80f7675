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
