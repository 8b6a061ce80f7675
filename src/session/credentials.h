#pragma once
/*
 * credentials.h - where a connection's credentials came from, without keeping them.
 *
 * Two calls share a connection only if they say the same, or if the later one says nothing.
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

/* May a call that says these use a connection that was made with those? */
bool credentials_allow(const struct credentials *these, const struct credentials *those);
