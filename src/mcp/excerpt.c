/*
 * A cut is made at a line end when there is one in the nearer half of the window, else between
 * two characters: a file that is one long line still shows both its ends.
 *
 * buf results are not checked: every writer's buf has room for max + EXCERPT_SPARE, and without
 * memory a shorter text is the best answer there is.
 */
#include "mcp/excerpt.h"

#include "base/scoped.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SLICE_LEN (16 * 1024)
#define COUNT_MAX (1024 * 1024) /* bytes whose characters are counted exactly; more is "about" */
#define GAP_MAX   96

static uint64_t least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static bool is_follower(char byte)
{
        return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Puts a line about dropped bytes before the len bytes behind out, which are not counted yet. */
static void insert_gap(struct buf *out, size_t len, uint64_t dropped)
{
        char gap[GAP_MAX];
        const char *newline = out->len > 0 && out->data[out->len - 1] != '\n' ? "\n" : "";
        size_t gap_len = (size_t)snprintf(gap, sizeof gap,
                                          "%s[... %" PRIu64 " bytes were dropped: too much "
                                          "output to keep ...]\n", newline, dropped);

        memmove(out->data + out->len + gap_len, out->data + out->len, len);
        memcpy(out->data + out->len, gap, gap_len);
        out->len += gap_len;
}

bool excerpt_range(struct buf *out, struct output *output, uint64_t from, uint64_t to)
{
        bool is_whole = true;

        while (from < to) {
                size_t want = (size_t)least(to - from, SLICE_LEN);
                uint64_t skipped = 0;

                if (!buf_reserve(out, want + GAP_MAX))
                        return false;
                size_t got = output_read(output, from, out->data + out->len, want, &skipped);
                if (skipped > to - from) /* the gap goes beyond what was wanted */
                        skipped = to - from;
                if (got > to - from - skipped)
                        got = (size_t)(to - from - skipped);
                if (skipped > 0) {
                        insert_gap(out, got, skipped);
                        is_whole = false;
                }
                if (got == 0 && skipped == 0)
                        break;
                out->len += got;
                out->data[out->len] = '\0';
                from += skipped + got;
        }
        return is_whole;
}

/* How many of the window's bytes to keep when its end is cut off. */
static size_t keep_front(const char *window, size_t len)
{
        const char *end = str_find_last((struct str){ window + len / 2, len - len / 2 }, '\n');

        return end != NULL ? (size_t)(end - window) + 1 : utf8_cut(window, len);
}

/* How many of the window's bytes to pass over when its front is cut off. */
static size_t skip_front(const char *window, size_t len)
{
        const char *end = memchr(window, '\n', len / 2);
        size_t skip = 0;

        if (end != NULL)
                return (size_t)(end - window) + 1;
        while (skip < len && skip < 3 && is_follower(window[skip]))
                skip++;
        return skip;
}

static uint64_t count_characters(struct output *output, uint64_t from, uint64_t to)
{
        char slice[SLICE_LEN];
        uint64_t count = 0;

        while (from < to) {
                uint64_t skipped;
                size_t got = output_read(output, from, slice, (size_t)least(to - from, SLICE_LEN),
                                         &skipped);

                if (got == 0)
                        break;
                for (size_t i = 0; i < got; i++)
                        count += is_follower(slice[i]) ? 0 : 1;
                from += skipped + got;
                count += skipped; /* of what is gone only the bytes are known */
        }
        return count;
}

static void write_left_out(struct buf *out, const struct excerpt_spec *spec, uint64_t from,
                           uint64_t to)
{
        bool is_exact = to - from <= COUNT_MAX;
        uint64_t count = is_exact ? count_characters(spec->output, from, to) : to - from;

        if (out->len > 0 && out->data[out->len - 1] != '\n')
                (void)buf_append_byte(out, '\n');
        (void)buf_printf(out,
                         "[... %s%" PRIu64 " characters left out; read_output('%s', %soffset=%"
                         PRIu64 ") shows them ...]\n",
                         is_exact ? "" : "about ", count, spec->command,
                         spec->is_stderr ? "stream='stderr', " : "", from);
}

/* The part of the unfinished line that is shown: its end. */
static struct str partial_of(const struct excerpt_spec *spec)
{
        struct str partial = { NULL, 0 };

        if (!spec->with_partial)
                return partial;
        partial = output_partial(spec->output);
        if (partial.len > spec->max / 2) {
                partial.ptr += partial.len - spec->max / 2;
                partial.len = spec->max / 2;
                while (partial.len > 0 && is_follower(*partial.ptr)) {
                        partial.ptr++;
                        partial.len--;
                }
        }
        return partial;
}

static void write_both_ends(struct buf *out, const struct excerpt_spec *spec, uint64_t from,
                            uint64_t total, size_t room)
{
        scoped_buf struct buf tail;
        size_t begin = out->len;
        uint64_t head_end = from + room / 3;
        uint64_t tail_start = total - (room - room / 3);

        buf_init(&tail, room + EXCERPT_SPARE);
        if (excerpt_range(out, spec->output, from, head_end)) {
                size_t keep = keep_front((char *)out->data + begin, out->len - begin);

                head_end = from + keep;
                out->len = begin + keep;
        }
        size_t skip = 0;
        if (excerpt_range(&tail, spec->output, tail_start, total))
                skip = skip_front((char *)tail.data, tail.len);
        write_left_out(out, spec, head_end, tail_start + skip);
        (void)buf_append(out, tail.data + skip, tail.len - skip);
}

void excerpt_middle(struct buf *out, const struct excerpt_spec *spec, struct excerpt *out_excerpt)
{
        uint64_t total = output_total(spec->output);
        uint64_t from = least(spec->from, total);
        struct str partial = partial_of(spec);
        size_t room = spec->max - partial.len;

        *out_excerpt = (struct excerpt){ .next = total, .partial = partial.len };
        if (total - from > room) {
                out_excerpt->is_cut = true;
                write_both_ends(out, spec, from, total, room);
        } else {
                out_excerpt->is_cut = !excerpt_range(out, spec->output, from, total);
        }
        (void)buf_append(out, partial.ptr, partial.len);
}

/* Where the next byte that is stored is, if those at `from` were dropped. */
static uint64_t step_over_gap(struct buf *out, struct output *output, uint64_t from)
{
        uint64_t skipped = 0;
        char byte;

        if (output_read(output, from, &byte, 1, &skipped) == 1 && skipped > 0
            && buf_reserve(out, GAP_MAX))
                insert_gap(out, 0, skipped);
        return from + skipped;
}

void excerpt_page(struct buf *out, const struct excerpt_spec *spec, struct excerpt *out_excerpt)
{
        uint64_t total = output_total(spec->output);
        uint64_t from = step_over_gap(out, spec->output, least(spec->from, total));
        uint64_t to = least(total, from + spec->max);
        size_t begin = out->len;

        *out_excerpt = (struct excerpt){ .is_cut = from > spec->from };
        if (!excerpt_range(out, spec->output, from, to)) {
                out_excerpt->is_cut = true;
        } else if (to < total) {
                size_t keep = keep_front((char *)out->data + begin, out->len - begin);

                to = from + keep;
                out->len = begin + keep;
        }
        out_excerpt->next = to;
        if (to < total || !spec->with_partial)
                return;
        struct str partial = partial_of(spec);
        out_excerpt->partial = partial.len;
        (void)buf_append(out, partial.ptr, partial.len);
}

void excerpt_tail(struct buf *out, const struct excerpt_spec *spec, unsigned lines,
                  struct excerpt *out_excerpt)
{
        scoped_buf struct buf window;
        uint64_t total = output_total(spec->output);
        struct str partial = partial_of(spec);
        uint64_t from = total - least(total, spec->max - partial.len);
        bool is_cut = from > 0;

        buf_init(&window, spec->max + EXCERPT_SPARE);
        if (!excerpt_range(&window, spec->output, from, total))
                is_cut = true;
        size_t at = window.len;
        unsigned left = partial.len > 0 && lines > 0 ? lines - 1 : lines;
        if (at > 0 && left > 0)
                at--; /* the newline that ends the last line begins no other */
        while (at > 0 && left > 0) {
                const char *end = str_find_last((struct str){ (char *)window.data, at }, '\n');

                at = end != NULL ? (size_t)(end - (char *)window.data) : 0;
                if (--left == 0 && end != NULL)
                        at++;
        }
        if (left > 0 && is_cut)
                at = skip_front((char *)window.data, window.len);
        (void)buf_append(out, window.data + at, window.len - at);
        (void)buf_append(out, partial.ptr, partial.len);
        *out_excerpt = (struct excerpt){ total, partial.len, is_cut || at > 0 };
}
