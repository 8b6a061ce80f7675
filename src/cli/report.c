#include "cli/report.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH "16"

void report_init(struct report *report, bool is_json)
{
        *report = (struct report){ .rows = is_json ? json_array() : NULL,
                                   .began_ms = clock_now_ms() };
}

void report_fini(struct report *report)
{
        json_decref(report->rows); /* accepts NULL */
        report->rows = NULL;
}

static const char *mark_shown(enum report_mark mark)
{
        switch (mark) {
        case REPORT_FACT: return "    ";
        case REPORT_OK: return "ok  ";
        case REPORT_TRIED: return "-   ";
        case REPORT_FAILED: return "FAIL";
        }
        bug("report mark %d", (int)mark);
}

static const char *mark_name(enum report_mark mark)
{
        switch (mark) {
        case REPORT_FACT: return "fact";
        case REPORT_OK: return "ok";
        case REPORT_TRIED: return "tried";
        case REPORT_FAILED: return "failed";
        }
        bug("report mark %d", (int)mark);
}

static void write_text(enum report_mark mark, const char *name, const char *text, int64_t took_ms)
{
        if (mark == REPORT_FACT)
                (void)printf("%s %-" NAME_WIDTH "s            %s\n", mark_shown(mark), name, text);
        else
                (void)printf("%s %-" NAME_WIDTH "s %6lld ms  %s\n", mark_shown(mark), name,
                             (long long)took_ms, text);
        (void)fflush(stdout); /* a full disk shows in report_finish() */
}

void report_add(struct report *report, enum report_mark mark, const char *name, const char *text)
{
        int64_t now_ms = clock_now_ms();
        int64_t took_ms = now_ms - report->began_ms;

        report->began_ms = now_ms;
        report->has_failed |= mark == REPORT_FAILED;
        if (report->rows == NULL) {
                write_text(mark, name, text, took_ms);
                return;
        }
        json_t *row = json_pack("{s:s, s:s, s:s}", "name", name, "mark", mark_name(mark), "text",
                                text);
        if (mark != REPORT_FACT)
                (void)json_object_set_new(row, "ms", json_integer(took_ms));
        (void)json_array_append_new(report->rows, row);
}

void report_advise(struct report *report, const char *advice)
{
        if (report->rows == NULL) {
                (void)printf("     %-" NAME_WIDTH "s            %s\n", "do this:", advice);
                return;
        }
        size_t count = json_array_size(report->rows);
        if (count > 0)
                (void)json_object_set_new(json_array_get(report->rows, count - 1), "advice",
                                          json_string(advice));
}

bool report_finish(struct report *report)
{
        if (report->rows != NULL) {
                json_t *whole = json_pack("{s:b, s:O}", "ok", !report->has_failed, "rows",
                                          report->rows);
                bool ok = json_dumpf(whole, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
                json_decref(whole);
                if (!ok)
                        return false;
        }
        return fflush(stdout) == 0 && ferror(stdout) == 0;
}
