#pragma once
/*
 * pattern.h - patterns with `*` (any text) and `?` (any byte), as ssh_config(5) has them.
 *
 * Process: any. Pure. Takes at most pattern x text steps.
 */
#include "base/str.h"

/* The whole text; upper and lower case differ. */
bool pattern_matches(struct str pattern, struct str text);
