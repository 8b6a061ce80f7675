#pragma once
/*
 * fingerprints.h - a list of fingerprints as a person writes it: SHA256:…, separated by commas or
 * blanks.
 *
 * Process: supervisor. Pure.
 */
#include "base/str.h"

#include <stdbool.h>

/* At least one, and each is "SHA256:" and 43 characters of base64, as ssh-keygen -l prints it. */
bool fingerprints_are_valid(struct str list);

bool fingerprints_have(struct str list, const char *fingerprint);
