#include "session/command/sudo_text.h"

#include <string.h>

/* Outside of quotes these end the call, or run something else before it. */
static bool is_more(char c)
{
        return strchr("|&;()`\n\r", c) != NULL;
}

static bool is_one_call(struct str text)
{
        char quote = 0;

        for (size_t i = 0; i < text.len; i++) {
                char c = text.ptr[i];
                if (c == 0)
                        return false;
                if (quote == '\'') {
                        quote = c == '\'' ? 0 : quote;
                } else if (c == '\\') {
                        i++;
                } else if (c == '`' || (c == '$' && i + 1 < text.len && text.ptr[i + 1] == '(')) {
                        return false; /* also inside double quotes */
                } else if (quote == '"') {
                        quote = c == '"' ? 0 : quote;
                } else if (c == '\'' || c == '"') {
                        quote = c;
                } else if (is_more(c)) {
                        return false;
                }
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
