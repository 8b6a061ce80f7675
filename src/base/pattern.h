#pragma once
/*
 * pattern.h - patterns with `*` (any text) and `?` (any byte), as ssh_config(5) has them.
 *
 * Process: any. Pure. Takes at most pattern x text steps.
 */
#include "base/str.h"

/* The whole text; upper and lower case differ. */
bool pattern_matches(struct str pattern, struct str text);

/*
 * Weighs one more pattern of a list, with `!` before it if it excludes: *matches becomes true where
 * it matches. False: it excludes the text, whatever else is in the list.
 */
bool pattern_weigh(struct str pattern, struct str text, bool *matches);

/* A list with commas between; a pattern of it that excludes the text does so wherever it stands. */
bool pattern_list_matches(struct str list, struct str text);
