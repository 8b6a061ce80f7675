#pragma once
/*
 * report.h - what doctor found, row by row: as text while it goes on, or as JSON at the end.
 *
 * Process: supervisor of its own.
 * Memory:  report_fini() accepts zeroed memory; texts are copied.
 */
#include "base/clock.h"

#include <jansson.h>
#include <stdbool.h>

enum report_mark {
        REPORT_FACT, /* neither good nor bad */
        REPORT_OK,
        REPORT_TRIED, /* did not do, and need not: another may */
        REPORT_FAILED,
};

struct report {
        json_t *rows; /* NULL: text, written at once */
        int64_t began_ms;
        bool has_failed;
};

void report_init(struct report *report, bool is_json);
void report_fini(struct report *report);

/* The time of a row is the time since the row before it; a fact has none. */
void report_add(struct report *report, enum report_mark mark, const char *name, const char *text);

/* Where something failed: the one thing to do. */
void report_advise(struct report *report, const char *advice);

/* False: it could not be written. */
bool report_finish(struct report *report);
