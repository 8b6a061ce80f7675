/*
 * The states that a text can be in are kept in the order of where their matches began, so that
 * the first to come to a state is the one that began first. Each state is there once a position,
 * which bounds the work.
 */
#include "base/regexp_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/utf8.h"

#include <stdlib.h>

struct thread {
        unsigned state;
        size_t begin;
};

struct threads {
        struct thread all[REGEXP_STATES_MAX];
        unsigned count;
};

struct regexp {
        struct regexp_state states[REGEXP_STATES_MAX];
        unsigned count;
        unsigned weight;
        struct regexp_range ranges[REGEXP_RANGES_MAX];
        bool ignores_case;

        struct threads threads[2]; /* of this position and the next */
        uint64_t seen_at[REGEXP_STATES_MAX];
        uint64_t position; /* never the same twice */
        unsigned stack[REGEXP_STATES_MAX];
};

bool regexp_new(struct regexp **out_regexp, struct str pattern, struct err *err)
{
        struct regexp *regexp = xcalloc(1, sizeof *regexp);
        struct regexp_tree *tree = xcalloc(1, sizeof *tree);

        tree->ranges = regexp->ranges;
        bool ok = regexp_parse(tree, pattern, err)
               && regexp_write(tree, regexp->states, &regexp->count, &regexp->weight, err);
        regexp->ignores_case = tree->ignores_case;
        free(tree);
        if (ok)
                *out_regexp = regexp;
        else
                regexp_free(regexp);
        return ok;
}

void regexp_free(struct regexp *regexp)
{
        free(regexp);
}

unsigned regexp_weight(const struct regexp *regexp)
{
        return regexp->weight;
}

/* ---- characters ---- */

#define NO_CHARACTER UINT32_MAX

/* The character at a byte and its length; what is none counts as U+FFFD. */
static uint32_t character_at(struct str text, size_t at, size_t *out_len)
{
        const uint8_t *bytes = (const uint8_t *)text.ptr + at;
        uint32_t character;

        *out_len = 0;
        if (at == text.len)
                return NO_CHARACTER;
        if (utf8_next(bytes, text.len - at, out_len) != UTF8_VALID)
                return 0xFFFD;
        if (*out_len == 1)
                return bytes[0];
        character = bytes[0] & (0x7Fu >> *out_len);
        for (size_t i = 1; i < *out_len; i++)
                character = character << 6 | (bytes[i] & 0x3Fu);
        return character;
}

static bool is_letter(uint32_t character)
{
        return (character | 0x20) >= 'a' && (character | 0x20) <= 'z';
}

static bool is_word(uint32_t character)
{
        return is_letter(character) || (character >= '0' && character <= '9') || character == '_';
}

static bool is_in_ranges(const struct regexp *regexp, const struct regexp_state *state,
                         uint32_t character)
{
        const struct regexp_range *range = regexp->ranges + state->set_begin;

        for (unsigned i = 0; i < state->set_count; i++)
                if (character >= range[i].first && character <= range[i].last)
                        return true;
        return false;
}

static bool takes(const struct regexp *regexp, const struct regexp_state *state,
                  uint32_t character, uint64_t *steps)
{
        bool has_two = regexp->ignores_case && is_letter(character);

        if (state->op == OP_ANY)
                return true;
        if (state->op == OP_CHARACTER)
                return character == state->character
                    || (has_two && (character ^ 0x20) == state->character);
        if (state->op != OP_SET)
                return false;
        *steps += state->set_count;
        bool is_in = is_in_ranges(regexp, state, character)
                  || (has_two && is_in_ranges(regexp, state, character ^ 0x20));
        return is_in != state->is_negated;
}

/* ---- one position ---- */

struct place {
        bool is_begin, is_end, is_edge;
        bool is_match;
        size_t match_begin;
};

static void push(struct regexp *regexp, unsigned *depth, unsigned state)
{
        if (regexp->seen_at[state] == regexp->position)
                return;
        regexp->seen_at[state] = regexp->position;
        regexp->stack[(*depth)++] = state; /* each state once a position: it has room */
}

/* One state, whatever it leads to without a character. */
static void enter(struct regexp *regexp, struct threads *threads, struct thread thread,
                  struct place *place, uint64_t *steps)
{
        unsigned depth = 0;

        push(regexp, &depth, thread.state);
        while (depth > 0) {
                unsigned at = regexp->stack[--depth];
                const struct regexp_state *state = &regexp->states[at];
                bool passes = false;

                (*steps)++;
                switch (state->op) {
                case OP_CHARACTER:
                case OP_ANY:
                case OP_SET:
                        threads->all[threads->count++] = (struct thread){ at, thread.begin };
                        break;
                case OP_LINE_BEGIN:   passes = place->is_begin; break;
                case OP_LINE_END:     passes = place->is_end; break;
                case OP_WORD_EDGE:    passes = place->is_edge; break;
                case OP_NO_WORD_EDGE: passes = !place->is_edge; break;
                case OP_SPLIT:
                        push(regexp, &depth, state->to);
                        push(regexp, &depth, state->also_to);
                        break;
                case OP_JUMP: push(regexp, &depth, state->to); break;
                case OP_MATCH:
                        if (!place->is_match)
                                place->match_begin = thread.begin;
                        place->is_match = true;
                        break;
                }
                if (passes)
                        push(regexp, &depth, at + 1);
        }
}

static struct place place_at(const struct regexp_text *text, size_t at, uint32_t before,
                             uint32_t after)
{
        return (struct place){
                .is_begin = at == 0 && text->is_begin,
                .is_end = at == text->text.len && text->is_end,
                .is_edge = (before != NO_CHARACTER && is_word(before))
                        != (after != NO_CHARACTER && is_word(after)),
        };
}

bool regexp_find(struct regexp *regexp, const struct regexp_text *text,
                 struct regexp_match *out_match, uint64_t *steps)
{
        struct threads *now = &regexp->threads[0];
        struct threads *next = &regexp->threads[1];
        uint32_t before = NO_CHARACTER;
        size_t at = 0;
        size_t len;

        now->count = 0;
        for (;;) {
                uint32_t character = character_at(text->text, at, &len);
                struct place place = place_at(text, at, before, character);

                regexp->position++;
                next->count = 0;
                for (unsigned i = 0; i < now->count; i++) {
                        const struct thread *thread = &now->all[i];
                        (*steps)++;
                        if (takes(regexp, &regexp->states[thread->state], before, steps))
                                enter(regexp, next,
                                      (struct thread){ thread->state + 1, thread->begin }, &place,
                                      steps);
                }
                enter(regexp, next, (struct thread){ 0, at }, &place, steps);
                if (place.is_match && at >= text->min_end) {
                        *out_match = (struct regexp_match){ place.match_begin, at };
                        return true;
                }
                if (at == text->text.len)
                        return false;
                before = character;
                at += len;
                struct threads *swap = now;
                now = next;
                next = swap;
        }
}
