/*
 * One pass over the output in slices finds the matches and counts newlines; what does not fit is
 * still counted. The end of a slice that may be the beginning of a match is carried over to the
 * next. A match is shown when it is met: its line and those before it are read again from the
 * output, those after it when the next match or the end is known.
 */
#include "mcp/grep.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

#define SLICE_LEN  (64 * 1024)
#define WINDOW_LEN (SLICE_LEN + GREP_NEEDLE_MAX)
#define LOOK_BACK  (8 * 1024) /* bytes before a match in which lines of context are looked for */
#define HIT_LEAD   200        /* bytes shown before the match in a line that is too long */

struct line {
        uint64_t number; /* from 1 */
        uint64_t start;
};

struct grep {
        const struct grep_spec *spec;
        struct grep_result *result;
        struct buf *out;
        size_t out_begin;

        struct line at;       /* where the scan is */
        bool is_line_matched; /* at was counted; to its end nothing matters */
        struct line printed;  /* the line after the last one shown; number 0: none yet */
        unsigned owed;        /* lines of context that the last match shown still gets */

        uint64_t base; /* offset of window[0] */
        size_t len;
        char window[WINDOW_LEN];
};

/* ---- showing ---- */

/* Where the line that holds offset ends: behind its newline, or at the end of the output. */
static uint64_t line_end(struct output *output, uint64_t offset)
{
        char slice[4096];
        uint64_t skipped;
        size_t got;

        while ((got = output_read(output, offset, slice, sizeof slice, &skipped)) > 0) {
                const char *end = memchr(slice, '\n', got);

                if (end != NULL)
                        return offset + skipped + (size_t)(end - slice) + 1;
                offset += skipped + got;
        }
        return offset;
}

/* hit: offset of the match in the line; the line's start when it is context. */
static void show_line(struct grep *grep, struct line line, uint64_t end, uint64_t hit, char mark)
{
        char text[GREP_LINE_MAX + 4];
        uint64_t from = end - line.start > GREP_LINE_MAX && hit - line.start > HIT_LEAD
                                ? hit - HIT_LEAD
                                : line.start;
        size_t want = end - from > GREP_LINE_MAX ? GREP_LINE_MAX : (size_t)(end - from);
        uint64_t skipped;
        size_t len = output_read(grep->spec->output, from, text, want, &skipped);
        size_t lead = 0;

        while (lead < len && from + lead > line.start && lead < 3
               && ((unsigned char)text[lead] & 0xC0) == 0x80)
                lead++;
        if (len > 0 && text[len - 1] == '\n')
                len--;
        else
                len = utf8_cut(text, len);
        from += lead;
        (void)buf_printf(grep->out, "%" PRIu64 "%c%" PRIu64 "%c%s", line.number, mark, from, mark,
                         from > line.start ? "…" : "");
        if (len > lead)
                (void)buf_append(grep->out, text + lead, len - lead);
        (void)buf_append_str(grep->out, end - from > GREP_LINE_MAX ? "…\n" : "\n");
        grep->printed = (struct line){ line.number + 1, end };
}

static bool has_room(const struct grep *grep)
{
        return grep->out->len - grep->out_begin < grep->spec->max;
}

/* The lines after the last match, as far as they are before the next one. */
static void show_after(struct grep *grep, uint64_t limit)
{
        for (; grep->owed > 0 && grep->printed.start < limit && has_room(grep); grep->owed--) {
                struct line line = grep->printed;

                show_line(grep, line, line_end(grep->spec->output, line.start), line.start, '-');
        }
}

/* The first of the lines before `line` that are to be shown and were not. */
static struct line first_before(const struct grep *grep, struct line line)
{
        char look[LOOK_BACK];
        uint64_t limit = grep->printed.number > 0 ? grep->printed.start : 0;
        uint64_t from = line.start > LOOK_BACK ? line.start - LOOK_BACK : 0;
        uint64_t skipped;
        struct line first = line;

        if (from < limit)
                from = limit;
        size_t len = (size_t)(line.start - from);
        if (len == 0 || output_read(grep->spec->output, from, look, len, &skipped) < len
            || skipped > 0)
                return line;
        size_t at = len - 1; /* the newline before the line */
        for (unsigned left = grep->spec->context; left > 0 && first.start > from; left--) {
                while (at > 0 && look[at - 1] != '\n')
                        at--;
                if (at == 0 && from > limit)
                        break; /* begins before what was read: too long for context */
                first = (struct line){ first.number - 1, from + at };
                if (at > 0)
                        at--;
        }
        return first;
}

static void show_match(struct grep *grep, uint64_t hit)
{
        struct line match = grep->at;
        struct output *output = grep->spec->output;

        show_after(grep, match.start);
        struct line line = first_before(grep, match);
        if (grep->printed.number > 0 && line.start > grep->printed.start)
                (void)buf_append_str(grep->out, "--\n");
        while (line.start < match.start) {
                show_line(grep, line, line_end(output, line.start), line.start, '-');
                line = grep->printed;
        }
        show_line(grep, match, line_end(output, hit), hit, ':');
        grep->owed = grep->spec->context;
        grep->result->shown++;
}

/* ---- scanning ---- */

static void on_match(struct grep *grep, uint64_t hit)
{
        grep->is_line_matched = true;
        if (hit < grep->spec->from)
                return;
        grep->result->matches++;
        if (grep->result->next == 0 && has_room(grep))
                show_match(grep, hit);
        else if (grep->result->next == 0)
                grep->result->next = grep->at.start > grep->spec->from ? grep->at.start : hit;
}

/* Passes len bytes of the window from `begin` on, counting lines. */
static void pass(struct grep *grep, size_t begin, size_t end)
{
        const char *newline;

        while (begin < end
               && (newline = memchr(grep->window + begin, '\n', end - begin)) != NULL) {
                begin = (size_t)(newline - grep->window) + 1;
                grep->at = (struct line){ grep->at.number + 1, grep->base + begin };
        }
}

static size_t scan_window(struct grep *grep)
{
        struct str needle = grep->spec->needle;
        size_t done = 0;

        while (done < grep->len) {
                const char *from = grep->window + done;
                size_t left = grep->len - done;

                if (grep->is_line_matched) {
                        const char *newline = memchr(from, '\n', left);
                        size_t end = newline != NULL ? (size_t)(newline - grep->window) + 1
                                                     : grep->len;

                        pass(grep, done, end);
                        grep->is_line_matched = newline == NULL;
                        done = end;
                        continue;
                }
                const char *hit = memmem(from, left, needle.ptr, needle.len);
                size_t tail = needle.len - 1 < left ? needle.len - 1 : left;
                size_t end = hit != NULL ? (size_t)(hit - grep->window) : grep->len - tail;

                pass(grep, done, end);
                done = end;
                if (hit == NULL)
                        break;
                on_match(grep, grep->base + done);
        }
        return done;
}

static void scan(struct grep *grep)
{
        uint64_t at = 0;
        uint64_t skipped;
        size_t got;

        while ((got = output_read(grep->spec->output, at, grep->window + grep->len, SLICE_LEN,
                                  &skipped)) > 0) {
                if (skipped > 0) { /* what was carried over has no continuation */
                        memmove(grep->window, grep->window + grep->len, got);
                        grep->len = 0;
                        grep->base = at + skipped;
                        grep->at = (struct line){ grep->at.number + 1, grep->base };
                        grep->is_line_matched = false;
                        grep->result->has_gap = true;
                }
                at += skipped + got;
                grep->len += got;
                size_t done = scan_window(grep);
                grep->len -= done;
                grep->base += done;
                memmove(grep->window, grep->window + done, grep->len);
        }
        pass(grep, 0, grep->len);
        grep->result->lines = grep->at.start < at ? grep->at.number : grep->at.number - 1;
        if (grep->result->next == 0)
                show_after(grep, at);
}

void grep_write(struct buf *out, const struct grep_spec *spec, struct grep_result *out_result)
{
        struct grep grep; /* the window needs no zeroing */

        *out_result = (struct grep_result){ 0 };
        grep.spec = spec;
        grep.result = out_result;
        grep.out = out;
        grep.out_begin = out->len;
        grep.at = (struct line){ 1, 0 };
        grep.is_line_matched = false;
        grep.printed = (struct line){ 0, 0 };
        grep.owed = 0;
        grep.base = 0;
        grep.len = 0;
        scan(&grep);
}
