#pragma once
/*
 * fuzz.h - what every fuzz target has. A target is also linked to replay.c, which runs it over
 * its corpus in the ordinary test run.
 */
#include "base/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What must hold for every input. */
static inline void fuzz_check(bool holds)
{
        if (!holds)
                abort();
}

static inline bool fuzz_same(const void *a, size_t a_len, const void *b, size_t b_len)
{
        return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* Memory of exactly this length, so that a read beyond it is seen; free(). */
static inline char *fuzz_copy(const uint8_t *bytes, size_t len)
{
        return len > 0 ? memcpy(xcalloc(1, len), bytes, len) : xcalloc(1, 1);
}
