#pragma once
/*
 * credentials.h - where a connection's credentials came from, without keeping them.
 *
 * Two calls share a connection only if they say the same. A call that says nothing means what
 * such calls mean in a terminal, the configured keys and the agent; but where its host was named
 * before, word for word, with one set of credentials and no other, it means that session: whoever
 * has logged in with a password goes on without repeating it.
 *
 * Process: supervisor. Pure but for a salt of the process's own.
 */
#include "base/secret.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials {
        bool is_default; /* neither key nor password was given */
        uint8_t print[32];
};

/* Either may be NULL. */
struct credentials credentials_of(const char *key_filename, const struct secret *password);

bool credentials_are_same(const struct credentials *these, const struct credentials *those);
