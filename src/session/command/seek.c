/*
 * Stored bytes are read once; what of them is the beginning of an unfinished line is kept in
 * `line`, to be looked at with the partial behind it. What was on the unfinished line when it
 * began (`old`) is no match: a match has to end behind what is still the same.
 */
#include "session/command/seek.h"

#include "base/alloc.h"
#include "base/regexp.h"
#include "base/scoped.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX (16 * 1024) /* bytes read at a time */

struct seek {
        char *text; /* NULL: regexp it is */
        size_t text_len;
        struct regexp *regexp;

        uint64_t next;    /* offset of the first byte not read yet */
        uint64_t line_at; /* of the first byte in line */
        struct buf line;
        bool is_line_begin; /* the line begins there, and not in the middle */
        struct buf old;
        struct buf looked; /* the partial of the last look */
        bool has_looked;

        bool is_found;
        char *shown;
        uint64_t found_at;
};

static bool check_text(struct str text, struct err *err)
{
        if (text.len == 0)
                return err_set(err, ERR_INPUT, "the text to wait for is empty.");
        if (text.len > SEEK_TEXT_MAX)
                return err_set(err, ERR_LIMIT, "the text to wait for has %zu bytes, the limit is "
                                               "%d: give a part of it.",
                               text.len, SEEK_TEXT_MAX);
        if (memchr(text.ptr, '\n', text.len) != NULL || memchr(text.ptr, '\r', text.len) != NULL)
                return err_set(err, ERR_INPUT, "the text to wait for has a line end in it: each "
                                               "line is looked at alone. Give a text of one line.");
        return true;
}

bool seek_new(struct seek **out_seek, struct str pattern, bool is_regexp, struct err *err)
{
        struct regexp *regexp = NULL;

        if (is_regexp ? !regexp_new(&regexp, pattern, err) : !check_text(pattern, err))
                return false;
        struct seek *seek = xcalloc(1, sizeof *seek);
        if (!is_regexp) {
                seek->text = xstrndup(pattern.ptr, pattern.len);
                seek->text_len = pattern.len;
        }
        seek->regexp = regexp;
        seek->is_line_begin = true;
        buf_init(&seek->line, SEEK_LINE_MAX);
        buf_init(&seek->old, OUTPUT_PARTIAL_MAX * 3);
        buf_init(&seek->looked, OUTPUT_PARTIAL_MAX * 3);
        *out_seek = seek;
        return true;
}

void seek_free(struct seek *seek)
{
        if (seek == NULL)
                return;
        free(seek->text);
        regexp_free(seek->regexp);
        buf_fini(&seek->line);
        buf_fini(&seek->old);
        buf_fini(&seek->looked);
        free(seek->shown);
        free(seek);
}

void seek_from(struct seek *seek, struct output *output, uint64_t offset)
{
        uint64_t skipped;
        char before;

        seek->next = seek->line_at = offset;
        seek->is_line_begin = offset == 0
                           || output_read(output, offset - 1, &before, 1, &skipped) == 0
                           || (skipped == 0 && before == '\n');
}

void seek_from_now(struct seek *seek, struct output *output)
{
        struct str partial = output_partial(output);

        seek_from(seek, output, output_total(output));
        (void)buf_append(&seek->old, partial.ptr, partial.len); /* has room: it is a partial */
}

/* ---- one line ---- */

static bool find_text(const struct seek *seek, struct str line, size_t min_end,
                      struct regexp_match *out_match)
{
        size_t from = min_end > seek->text_len ? min_end - seek->text_len : 0;

        if (from >= line.len)
                return false;
        const char *at = memmem(line.ptr + from, line.len - from, seek->text, seek->text_len);
        if (at == NULL)
                return false;
        out_match->begin = (size_t)(at - line.ptr);
        out_match->end = out_match->begin + seek->text_len;
        return true;
}

static bool find(const struct seek *seek, const struct regexp_text *line,
                 struct regexp_match *out_match)
{
        uint64_t steps = 0;

        return seek->regexp != NULL ? regexp_find(seek->regexp, line, out_match, &steps)
                                    : find_text(seek, line->text, line->min_end, out_match);
}

/* The part of the line around the match, of whole characters. */
static char *part_around(struct str line, struct regexp_match match)
{
        size_t from = 0;

        if (line.len > SEEK_SHOWN_MAX && match.begin > SEEK_SHOWN_MAX / 4)
                from = match.begin - SEEK_SHOWN_MAX / 4;
        while (from < match.begin && ((uint8_t)line.ptr[from] & 0xC0) == 0x80)
                from++;
        size_t left = line.len - from;
        size_t len = left > SEEK_SHOWN_MAX ? utf8_cut(line.ptr + from, SEEK_SHOWN_MAX) : left;
        return xstrndup(line.len > 0 ? line.ptr + from : "", len);
}

static bool look_at(struct seek *seek, const struct regexp_text *line, uint64_t offset,
                    bool has_secret)
{
        struct regexp_match match;

        if (!find(seek, line, &match))
                return false;
        seek->is_found = true;
        seek->shown = part_around(line->text, match);
        seek->found_at = has_secret ? offset : offset + match.begin;
        return true;
}

bool seek_in_line(struct seek *seek, struct str line)
{
        struct regexp_text text = { .text = line, .is_begin = true, .is_end = true };

        return seek->is_found || look_at(seek, &text, 0, false);
}

/* How far the line still is what it was when the seek began; a match ends behind that. */
static size_t min_end_of(const struct seek *seek, struct str line)
{
        size_t same = 0;

        while (same < line.len && same < seek->old.len && (uint8_t)line.ptr[same] == seek->old.data[same])
                same++;
        return same > 0 ? same + 1 : 0;
}

static bool look_at_line(struct seek *seek, struct str line, bool is_end,
                         const struct redactor *redactor)
{
        scoped_buf struct buf shown;
        struct regexp_text text = { .text = line,
                                    .is_begin = seek->is_line_begin,
                                    .is_end = is_end };
        bool has_secret = false;

        buf_init(&shown, 4 * (SEEK_LINE_MAX + 3 * OUTPUT_PARTIAL_MAX));
        if (line.len > 0 && !redactor_is_empty(redactor))
                has_secret = redactor_text(redactor, line, &shown) > 0;
        if (has_secret)
                text.text = buf_str(&shown);
        text.min_end = min_end_of(seek, text.text);
        return look_at(seek, &text, seek->line_at, has_secret);
}

/* ---- stored bytes ---- */

static void begin_line(struct seek *seek, uint64_t offset, bool is_begin)
{
        buf_reset(&seek->line);
        buf_reset(&seek->old);
        seek->line_at = offset;
        seek->is_line_begin = is_begin;
}

/* The line is longer than what is looked at together: its end stays for the next piece. */
static bool look_at_piece(struct seek *seek, const struct redactor *redactor)
{
        size_t drop = seek->line.len - SEEK_OVERLAP;

        if (look_at_line(seek, buf_str(&seek->line), false, redactor))
                return true;
        while (drop < seek->line.len && (seek->line.data[drop] & 0xC0) == 0x80)
                drop++; /* it begins with a whole character */
        buf_consume(&seek->line, drop);
        buf_reset(&seek->old);
        seek->line_at += drop;
        seek->is_line_begin = false;
        return false;
}

/* What of the bytes belongs to the line goes into it; true: it is in there. */
static bool add_to_line(struct seek *seek, struct str bytes, const struct redactor *redactor)
{
        while (bytes.len > 0) {
                size_t room = SEEK_LINE_MAX - seek->line.len;
                size_t n = bytes.len < room ? bytes.len : room;

                (void)buf_append(&seek->line, bytes.ptr, n); /* has room */
                bytes.ptr += n;
                bytes.len -= n;
                if (seek->line.len == SEEK_LINE_MAX && look_at_piece(seek, redactor))
                        return true;
        }
        return false;
}

static bool look_at_bytes(struct seek *seek, struct str bytes, const struct redactor *redactor)
{
        while (bytes.len > 0) {
                const char *newline = memchr(bytes.ptr, '\n', bytes.len);
                struct str part = { bytes.ptr, newline != NULL ? (size_t)(newline - bytes.ptr)
                                                               : bytes.len };

                if (add_to_line(seek, part, redactor))
                        return true;
                seek->next += part.len;
                if (newline == NULL)
                        return false;
                if (look_at_line(seek, buf_str(&seek->line), true, redactor))
                        return true;
                seek->next++;
                begin_line(seek, seek->next, true);
                bytes.ptr += part.len + 1;
                bytes.len -= part.len + 1;
        }
        return false;
}

static size_t turn_bytes(const struct seek *seek)
{
        if (seek->regexp == NULL)
                return SEEK_TURN_MAX;
        size_t bytes = SEEK_STEPS_MAX / (REGEXP_STEPS * regexp_weight(seek->regexp));
        return bytes < SEEK_TURN_MAX ? bytes : SEEK_TURN_MAX;
}

/* Reads what is stored; SEEK_NOT_THERE: to the end. */
static enum seek_result read_stored(struct seek *seek, struct output *output,
                                    const struct redactor *redactor)
{
        char chunk[CHUNK_MAX];
        uint64_t skipped;

        for (size_t left = turn_bytes(seek); left > 0;) {
                size_t n = output_read(output, seek->next, chunk,
                                       left < sizeof chunk ? left : sizeof chunk, &skipped);
                if (n == 0)
                        return SEEK_NOT_THERE;
                seek->has_looked = false;
                if (skipped > 0) {
                        seek->next += skipped;
                        begin_line(seek, seek->next, false);
                }
                if (look_at_bytes(seek, (struct str){ chunk, n }, redactor))
                        return SEEK_FOUND;
                left -= n;
        }
        return seek->next < output_total(output) ? SEEK_BEHIND : SEEK_NOT_THERE;
}

/* ---- the unfinished line ---- */

static bool is_as_looked_at(const struct seek *seek, struct str partial)
{
        return seek->has_looked && seek->looked.len == partial.len
            && (partial.len == 0 || memcmp(seek->looked.data, partial.ptr, partial.len) == 0);
}

static bool look_at_unfinished(struct seek *seek, struct str partial,
                               const struct redactor *redactor)
{
        scoped_buf struct buf whole;

        buf_init(&whole, SEEK_LINE_MAX + 3 * OUTPUT_PARTIAL_MAX);
        if (is_as_looked_at(seek, partial))
                return false;
        buf_reset(&seek->looked);
        (void)buf_append(&seek->looked, partial.ptr, partial.len); /* both: they have room */
        seek->has_looked = true;
        (void)buf_append(&whole, seek->line.data, seek->line.len);
        (void)buf_append(&whole, partial.ptr, partial.len);
        return whole.len > 0 && look_at_line(seek, buf_str(&whole), true, redactor);
}

enum seek_result seek_look(struct seek *seek, struct output *output,
                           const struct redactor *redactor)
{
        if (seek->is_found)
                return SEEK_FOUND;
        enum seek_result result = read_stored(seek, output, redactor);
        if (result != SEEK_NOT_THERE)
                return result;
        return look_at_unfinished(seek, output_partial(output), redactor) ? SEEK_FOUND
                                                                          : SEEK_NOT_THERE;
}

bool seek_match(const struct seek *seek, struct seek_match *out_match)
{
        if (seek->is_found)
                *out_match = (struct seek_match){ seek->shown, seek->found_at };
        return seek->is_found;
}
