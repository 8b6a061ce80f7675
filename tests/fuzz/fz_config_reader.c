/* An ssh_config file: never more is said than fits, every line said is a keyword and a value. */
#include "fuzz.h"
#include "session/config/config_reader.h"

static bool include(void *arg, struct config_reader *reader, const char *pattern, struct err *err)
{
        (void)arg;
        (void)pattern;
        return config_reader_take(reader, str_of("Port 9\nInclude again\n"), err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char host_name[] = "web1", dir[] = "/home/me", user[] = "me";
        const struct target target = { .host = host_name };
        const struct home home = { .dir = dir, .account = dir, .user = user };
        const struct config_reader_host host = { &target, &home, include, NULL };
        struct config_reader *reader = config_reader_new(&host);
        struct err err = { 0 };

        if (config_reader_take(reader, (struct str){ (const char *)bytes, len }, &err)) {
                struct str rest = config_reader_finish(reader);
                struct str line;
                while (str_line(&rest, &line))
                        fuzz_check(str_word(&line).len > 0);
        } else {
                fuzz_check(err.code != ERR_NONE && err.text[0] != 0);
        }
        config_reader_free(reader);
        return 0;
}
