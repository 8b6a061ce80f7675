#include "session/command/sudo_text.h"

#include <string.h>

/* Does the call end here, or run something else first? quote: in which it stands; 0: none. */
static bool is_more(struct str text, size_t at, char quote)
{
        char c = text.ptr[at];
        bool begins_substitution =
                c == '`' || (c == '$' && at + 1 < text.len && text.ptr[at + 1] == '(');

        return begins_substitution || (quote == 0 && strchr("|&;()\n\r", c) != NULL);
}

static bool is_one_call(struct str text)
{
        char quote = 0;

        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                if (quote == '\'') {
                        quote = c == '\'' ? 0 : quote;
                        continue;
                }
                if (is_more(text, i, quote))
                        return false;
                if (c == '\\')
                        i++;
                else if (c == '"')
                        quote = quote == '"' ? 0 : '"';
                else if (c == '\'' && quote == 0)
                        quote = c;
        }
        return quote == 0;
}

size_t sudo_text_own(struct str text)
{
        struct str trimmed = str_trim(text);
        struct str rest = trimmed;

        if (!str_is(str_word(&rest), "sudo") || str_trim(rest).len == 0 || !is_one_call(trimmed))
                return 0;
        return (size_t)(trimmed.ptr - text.ptr) + strlen("sudo");
}
