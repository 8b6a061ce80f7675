/* A ProxyCommand: all or nothing, and never longer than what it is made of allows. */
#include "fuzz.h"
#include "session/reach/proxy_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        const struct proxy_place place = { "10.0.0.1", 65535, "bob", "web", NULL };
        char *command = xcalloc(1, len + 1);
        struct err err = { 0 };
        char *text = NULL;

        memcpy(command, bytes, len);
        if (proxy_text(command, &place, &text, &err))
                fuzz_check(text != NULL && strlen(text) <= PROXY_TEXT_MAX
                           && strlen(text) <= strlen(command) * strlen(place.host));
        else
                fuzz_check(text == NULL && err.text[0] != 0);
        free(text);
        free(command);
        return 0;
}
