/* The output of `ssh -G`: what is taken from it fits the grammar. */
#include "fuzz.h"
#include "session/config/ssh_config.h"
#include "session/config/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
        char *text = fuzz_copy(bytes, len);
        struct ssh_config *config = NULL;
        struct err err = { 0 };

        if (ssh_config_parse(&config, (struct str){ text, len }, &err)) {
                if (!target_host_is_valid(config->hostname) || !target_user_is_valid(config->user)
                    || config->port < 1 || config->port > 65535)
                        abort();
        } else if (config != NULL || err.code == ERR_NONE) {
                abort();
        }
        ssh_config_free(config);
        free(text);
        return 0;
}
