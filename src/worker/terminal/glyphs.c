#include "worker/terminal/glyphs.h"

#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT  0xFFFD
#define FIRST_NARROW 0x10F000 /* the end of a plane for private use */
#define FIRST_WIDE   0x3F000  /* the end of a plane of ideographs, where there are none */

static uint32_t decode(const uint8_t *bytes, size_t len)
{
        static const uint8_t first_bits[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
        uint32_t character = bytes[0] & first_bits[len];

        for (size_t i = 1; i < len; i++)
                character = character << 6 | (bytes[i] & 0x3F);
        return character;
}

static bool is_ours(uint32_t character)
{
        return character - FIRST_NARROW < GLYPHS_MARKED_MAX
            || character - FIRST_WIDE < GLYPHS_MARKED_MAX;
}

static void set_character(struct glyphs_piece *piece, uint32_t character)
{
        *piece = (struct glyphs_piece){ .character = is_ours(character) ? REPLACEMENT : character };
}

/* The part that was kept and what follows it: as many bytes as it takes. */
static bool next_of_part(struct glyphs *glyphs, const uint8_t **bytes, size_t *len,
                         struct glyphs_piece *out_piece)
{
        size_t used;

        while (*len > 0) {
                glyphs->part[glyphs->part_len] = **bytes;
                switch (utf8_next(glyphs->part, glyphs->part_len + (size_t)1, &used)) {
                case UTF8_VALID:
                        (*bytes)++;
                        (*len)--;
                        set_character(out_piece, decode(glyphs->part, used));
                        glyphs->part_len = 0;
                        return true;
                case UTF8_INVALID: /* it ended before this byte */
                        set_character(out_piece, REPLACEMENT);
                        glyphs->part_len = 0;
                        return true;
                case UTF8_INCOMPLETE:
                        glyphs->part_len++;
                        (*bytes)++;
                        (*len)--;
                        break;
                }
        }
        return false;
}

bool glyphs_next(struct glyphs *glyphs, const uint8_t **bytes, size_t *len,
                 struct glyphs_piece *out_piece)
{
        size_t used = 0;

        if (glyphs->part_len > 0)
                return next_of_part(glyphs, bytes, len, out_piece);
        if (*len == 0)
                return false;
        while (used < *len && (*bytes)[used] < 0x80)
                used++;
        if (used > 0) {
                *out_piece = (struct glyphs_piece){ .ascii = *bytes, .len = used };
        } else {
                switch (utf8_next(*bytes, *len, &used)) {
                case UTF8_VALID:   set_character(out_piece, decode(*bytes, used)); break;
                case UTF8_INVALID: set_character(out_piece, REPLACEMENT); break;
                case UTF8_INCOMPLETE:
                        memcpy(glyphs->part, *bytes, *len);
                        glyphs->part_len = (uint8_t)*len;
                        *len = 0;
                        return false;
                }
        }
        *bytes += used;
        *len -= used;
        return true;
}

bool glyphs_drop_part(struct glyphs *glyphs)
{
        bool was_there = glyphs->part_len > 0;

        glyphs->part_len = 0;
        return was_there;
}

bool glyphs_is_invisible(uint32_t character)
{
        static const struct {
                uint32_t first, last;
        } invisible[] = {
                { 0x00, 0x9F },     { 0xAD, 0xAD },     { 0x34F, 0x34F },   { 0x61C, 0x61C },
                { 0x180B, 0x180F }, { 0x200B, 0x200F }, { 0x2028, 0x202E }, { 0x2060, 0x206F },
                { 0xFE00, 0xFE0F }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE0FFF },
        };

        for (size_t i = 0; i < sizeof invisible / sizeof *invisible; i++)
                if (character >= invisible[i].first && character <= invisible[i].last)
                        return true;
        return false;
}

const struct glyphs_marked *glyphs_find(const struct glyphs *glyphs, uint32_t character)
{
        if (character - FIRST_NARROW < glyphs->marked_count)
                return &glyphs->marked[character - FIRST_NARROW];
        if (character - FIRST_WIDE < glyphs->marked_count)
                return &glyphs->marked[character - FIRST_WIDE];
        return NULL;
}

uint32_t glyphs_combine(struct glyphs *glyphs, uint32_t character, uint32_t mark, bool is_wide)
{
        const struct glyphs_marked *before = glyphs_find(glyphs, character);
        struct glyphs_marked wanted = { { character } };
        uint32_t index = 0;
        size_t len = 1;

        if (before != NULL)
                wanted = *before;
        while (len <= GLYPHS_MARKS_MAX && wanted.characters[len] != 0)
                len++;
        if (len > GLYPHS_MARKS_MAX)
                return 0;
        wanted.characters[len] = mark;
        while (index < glyphs->marked_count
               && memcmp(&glyphs->marked[index], &wanted, sizeof wanted) != 0)
                index++;
        if (index == GLYPHS_MARKED_MAX)
                return 0;
        if (index == glyphs->marked_count) {
                glyphs->marked[index] = wanted;
                glyphs->marked_count++;
        }
        return (is_wide ? FIRST_WIDE : FIRST_NARROW) + index;
}
