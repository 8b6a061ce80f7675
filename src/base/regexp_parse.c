/* By recursive descent: alternatives of sequences of repeated atoms. */
#include "base/regexp_private.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

struct parser {
        struct regexp_tree *tree;
        struct str pattern;
        size_t at;
        unsigned depth;
        struct err *err;
};

static const struct regexp_range digits[] = { { '0', '9' } };
static const struct regexp_range words[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
static const struct regexp_range blanks[] = { { '\t', '\r' }, { ' ', ' ' } };
static const struct regexp_range no_digits[] = { { 0, '/' }, { ':', REGEXP_CHARACTER_MAX } };
static const struct regexp_range no_words[] = { { 0, '/' }, { ':', '@' }, { '[', '^' }, { '`', '`' },
                                                { '{', REGEXP_CHARACTER_MAX } };
static const struct regexp_range no_blanks[] = { { 0, '\b' }, { 0x0E, 0x1F },
                                                 { '!', REGEXP_CHARACTER_MAX } };
static const struct regexp_range uppers[] = { { 'A', 'Z' } };
static const struct regexp_range lowers[] = { { 'a', 'z' } };
static const struct regexp_range alphas[] = { { 'A', 'Z' }, { 'a', 'z' } };
static const struct regexp_range alnums[] = { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } };
static const struct regexp_range hexes[] = { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } };
static const struct regexp_range puncts[] = { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } };

#define CLASS(name, ranges) { name, ranges, sizeof ranges / sizeof *(ranges) }

struct named_class {
        const char *name;
        const struct regexp_range *ranges;
        size_t count;
};

static const struct named_class escaped[] = {
        CLASS("d", digits),    CLASS("w", words),    CLASS("s", blanks),
        CLASS("D", no_digits), CLASS("W", no_words), CLASS("S", no_blanks),
};

static const struct named_class posix[] = {
        CLASS("digit", digits), CLASS("space", blanks), CLASS("upper", uppers),
        CLASS("lower", lowers), CLASS("alpha", alphas), CLASS("alnum", alnums),
        CLASS("xdigit", hexes), CLASS("punct", puncts), CLASS("word", words),
};

static const struct named_class *find_class(const struct named_class *classes, size_t count,
                                            struct str name)
{
        for (size_t i = 0; i < count; i++)
                if (str_is(name, classes[i].name))
                        return &classes[i];
        return NULL;
}

#define FIND_CLASS(classes, name) find_class(classes, sizeof(classes) / sizeof *(classes), name)

/* ---- reading ---- */

static bool refuse(struct parser *parser, const char *why)
{
        return err_set(parser->err, ERR_INPUT, "the pattern is wrong at byte %zu: %s", parser->at,
                       why);
}

static bool is_over(const struct parser *parser)
{
        return parser->at == parser->pattern.len;
}

static bool sees(const struct parser *parser, const char *text)
{
        struct str rest = { parser->pattern.ptr + parser->at, parser->pattern.len - parser->at };

        return str_starts(rest, text);
}

static bool skip(struct parser *parser, const char *text)
{
        if (!sees(parser, text))
                return false;
        parser->at += strlen(text);
        return true;
}

/* The pattern is UTF-8 and not over. */
static uint32_t next_character(struct parser *parser)
{
        const uint8_t *bytes = (const uint8_t *)parser->pattern.ptr + parser->at;
        uint32_t character = bytes[0];
        size_t len;

        (void)utf8_next(bytes, parser->pattern.len - parser->at, &len); /* checked before */
        if (len > 1)
                character &= 0x7Fu >> len;
        for (size_t i = 1; i < len; i++)
                character = character << 6 | (bytes[i] & 0x3Fu);
        parser->at += len;
        return character;
}

/* ---- nodes ---- */

static bool add(struct parser *parser, const struct regexp_node *node, int *out_node)
{
        struct regexp_tree *tree = parser->tree;

        if (tree->count == REGEXP_NODES_MAX)
                return refuse(parser, "it has too many parts.");
        tree->nodes[tree->count] = *node;
        *out_node = tree->count++;
        return true;
}

static bool add_range(struct parser *parser, uint32_t first, uint32_t last)
{
        struct regexp_tree *tree = parser->tree;

        if (tree->range_count == REGEXP_RANGES_MAX)
                return refuse(parser, "its classes have too many characters and ranges.");
        tree->ranges[tree->range_count++] = (struct regexp_range){ first, last };
        return true;
}

static bool add_class(struct parser *parser, const struct named_class *class)
{
        for (size_t i = 0; i < class->count; i++)
                if (!add_range(parser, class->ranges[i].first, class->ranges[i].last))
                        return false;
        return true;
}

/* ---- escapes ---- */

static bool parse_hex(struct parser *parser, uint32_t *out_character)
{
        uint32_t value = 0;

        for (int i = 0; i < 2; i++) {
                int byte = is_over(parser) ? 0 : (unsigned char)parser->pattern.ptr[parser->at];
                if (!isxdigit(byte))
                        return refuse(parser, "\\x takes two hexadecimal digits.");
                value = value * 16 + (uint32_t)(isdigit(byte) ? byte - '0' : (byte | 0x20) - 'a' + 10);
                parser->at++;
        }
        *out_character = value;
        return true;
}

/* Behind the backslash: one character, or a class; *out_class NULL: it is a character. */
static bool parse_escape(struct parser *parser, uint32_t *out_character,
                         const struct named_class **out_class)
{
        *out_class = NULL;
        if (is_over(parser))
                return refuse(parser, "a backslash stands at its end; write \\\\ for a backslash.");
        *out_class = FIND_CLASS(escaped, ((struct str){ parser->pattern.ptr + parser->at, 1 }));
        uint32_t character = next_character(parser);
        if (*out_class != NULL)
                return true;
        if (character == 'x')
                return parse_hex(parser, out_character);
        if (character == 'n' || character == 'r')
                return refuse(parser, "each line is looked at alone and without its end: there is "
                                      "no \\n or \\r in it. $ is the end of a line.");
        if (character >= '1' && character <= '9')
                return refuse(parser, "back references are not supported; write out what is to "
                                      "come again.");
        if (character < 0x80 && isalnum((int)character) && character != 't' && character != 'e')
                return refuse(parser, "there is no such escape. There are \\d \\w \\s \\D \\W \\S "
                                      "\\b \\B \\t \\e \\xHH, and \\ before punctuation.");
        *out_character = character == 't' ? '\t' : character == 'e' ? 0x1B : character;
        return true;
}

/* ---- classes ---- */

static bool parse_posix(struct parser *parser)
{
        const char *begin = parser->pattern.ptr + parser->at;
        size_t len = 0;

        while (parser->at + len < parser->pattern.len && isalpha((unsigned char)begin[len]))
                len++;
        const struct named_class *class = FIND_CLASS(posix, ((struct str){ begin, len }));
        parser->at += len;
        if (class == NULL || !skip(parser, ":]"))
                return refuse(parser, "there is no such class. There are [:alnum:] [:alpha:] "
                                      "[:digit:] [:lower:] [:punct:] [:space:] [:upper:] [:word:] "
                                      "[:xdigit:].");
        return add_class(parser, class);
}

/* One end of a range; a class has no ends, *out_class says which. */
static bool parse_member(struct parser *parser, uint32_t *out_character,
                         const struct named_class **out_class)
{
        *out_class = NULL;
        if (skip(parser, "\\b")) {
                *out_character = '\b';
                return true;
        }
        if (skip(parser, "\\"))
                return parse_escape(parser, out_character, out_class);
        if (is_over(parser))
                return refuse(parser, "a [ has no ]; write \\[ for the character.");
        *out_character = next_character(parser);
        return true;
}

static bool parse_members(struct parser *parser)
{
        const struct named_class *class;
        uint32_t first = 0;
        uint32_t last = 0;

        if (skip(parser, "[:"))
                return parse_posix(parser);
        if (!parse_member(parser, &first, &class))
                return false;
        if (class != NULL)
                return add_class(parser, class);
        last = first;
        if (sees(parser, "-") && !sees(parser, "-]")) {
                parser->at++;
                if (!parse_member(parser, &last, &class))
                        return false;
                if (class != NULL || last < first)
                        return refuse(parser, "a range in [ ] goes from a lower character to a "
                                              "higher one; write \\- for the character.");
        }
        return add_range(parser, first, last);
}

static bool parse_set(struct parser *parser, int *out_node)
{
        struct regexp_node node = { .kind = NODE_SET, .set_begin = parser->tree->range_count };
        bool is_first = true;

        node.is_negated = skip(parser, "^");
        while (is_first || !skip(parser, "]")) {
                if (!parse_members(parser)) /* a ] that comes first is one of them */
                        return false;
                is_first = false;
        }
        node.set_count = parser->tree->range_count - node.set_begin;
        return add(parser, &node, out_node);
}

/* ---- atoms ---- */

static bool parse_either(struct parser *parser, int *out_node);

static bool parse_group(struct parser *parser, int *out_node)
{
        if (sees(parser, "?=") || sees(parser, "?!") || sees(parser, "?<=") || sees(parser, "?<!"))
                return refuse(parser, "look-around, (?= (?! (?<= (?<!, is not supported; match the "
                                      "text around it, too.");
        if (sees(parser, "?") && !skip(parser, "?:"))
                return refuse(parser, "of groups with ? there is (?: ), and (?i) at the beginning.");
        if (++parser->depth > REGEXP_DEPTH_MAX)
                return refuse(parser, "its groups are too deep inside each other.");
        if (!parse_either(parser, out_node))
                return false;
        parser->depth--;
        return skip(parser, ")") || refuse(parser, "a ( has no ); write \\( for the character.");
}

static bool parse_escaped_atom(struct parser *parser, int *out_node)
{
        struct regexp_node node = { .kind = NODE_CHARACTER };
        const struct named_class *class;

        if (skip(parser, "b"))
                node.kind = NODE_WORD_EDGE;
        else if (skip(parser, "B"))
                node.kind = NODE_NO_WORD_EDGE;
        else if (!parse_escape(parser, &node.character, &class))
                return false;
        else if (class != NULL) {
                node.kind = NODE_SET;
                node.set_begin = parser->tree->range_count;
                node.set_count = (unsigned)class->count;
                if (!add_class(parser, class))
                        return false;
        }
        return add(parser, &node, out_node);
}

static bool parse_atom(struct parser *parser, int *out_node)
{
        struct regexp_node node = { .kind = NODE_CHARACTER };

        if (skip(parser, "("))
                return parse_group(parser, out_node);
        if (skip(parser, "["))
                return parse_set(parser, out_node);
        if (skip(parser, "\\"))
                return parse_escaped_atom(parser, out_node);
        if (sees(parser, "*") || sees(parser, "+") || sees(parser, "?"))
                return refuse(parser, "there is nothing to repeat before it; write \\* \\+ \\? for "
                                      "the character.");
        if (skip(parser, "."))
                node.kind = NODE_ANY;
        else if (skip(parser, "^"))
                node.kind = NODE_LINE_BEGIN;
        else if (skip(parser, "$"))
                node.kind = NODE_LINE_END;
        else
                node.character = next_character(parser);
        return add(parser, &node, out_node);
}

/* ---- repeats ---- */

/* False: there is no number, and nothing was taken. */
static bool take_number(struct parser *parser, int *out_number)
{
        size_t begin = parser->at;
        int number = 0;

        while (!is_over(parser) && isdigit((unsigned char)parser->pattern.ptr[parser->at])) {
                number = number * 10 + (parser->pattern.ptr[parser->at++] - '0');
                if (number > REGEXP_REPEAT_MAX)
                        number = REGEXP_REPEAT_MAX + 1; /* refused, whatever follows */
        }
        *out_number = number;
        return parser->at > begin;
}

/* {m} {m,} {m,n}; false: it is none of these, and stands for itself. */
static bool take_braces(struct parser *parser, int *out_least, int *out_most)
{
        size_t begin = parser->at;

        if (skip(parser, "{") && take_number(parser, out_least)) {
                *out_most = *out_least;
                if (skip(parser, ",") && !take_number(parser, out_most))
                        *out_most = REGEXP_UNLIMITED;
                if (skip(parser, "}"))
                        return true;
        }
        parser->at = begin;
        return false;
}

static bool take_repeat(struct parser *parser, int *out_least, int *out_most)
{
        *out_least = 0;
        *out_most = REGEXP_UNLIMITED;
        if (skip(parser, "*"))
                return true;
        if (skip(parser, "+")) {
                *out_least = 1;
                return true;
        }
        if (skip(parser, "?")) {
                *out_most = 1;
                return true;
        }
        return take_braces(parser, out_least, out_most);
}

static bool parse_repeated(struct parser *parser, int *out_node)
{
        struct regexp_node node = { .kind = NODE_REPEAT };
        int ignored;

        if (!parse_atom(parser, &node.left))
                return false;
        *out_node = node.left;
        if (!take_repeat(parser, &node.least, &node.most))
                return true;
        if (node.least > REGEXP_REPEAT_MAX || node.most > REGEXP_REPEAT_MAX)
                return refuse(parser, "numbers in {m,n} are 500 at most.");
        if (node.most != REGEXP_UNLIMITED && node.most < node.least)
                return refuse(parser, "in {m,n} m is not above n.");
        (void)skip(parser, "?"); /* the shortest or the longest: it ends with the first anyway */
        if (take_repeat(parser, &ignored, &ignored))
                return refuse(parser, "one repeat follows another; put the first into ( ).");
        return add(parser, &node, out_node);
}

static bool parse_sequence(struct parser *parser, int *out_node)
{
        struct regexp_node both = { .kind = NODE_BOTH };
        bool is_first = true;

        while (!is_over(parser) && !sees(parser, "|") && !sees(parser, ")")) {
                if (!parse_repeated(parser, is_first ? out_node : &both.right))
                        return false;
                both.left = *out_node;
                if (!is_first && !add(parser, &both, out_node))
                        return false;
                is_first = false;
        }
        struct regexp_node empty = { .kind = NODE_EMPTY };
        return !is_first || add(parser, &empty, out_node);
}

static bool parse_either(struct parser *parser, int *out_node)
{
        struct regexp_node either = { .kind = NODE_EITHER };

        if (!parse_sequence(parser, out_node))
                return false;
        while (skip(parser, "|")) {
                either.left = *out_node;
                if (!parse_sequence(parser, &either.right) || !add(parser, &either, out_node))
                        return false;
        }
        return true;
}

bool regexp_parse(struct regexp_tree *tree, struct str pattern, struct err *err)
{
        struct parser parser = { .tree = tree, .pattern = pattern, .err = err };

        if (pattern.len == 0)
                return err_set(err, ERR_INPUT, "the pattern is empty.");
        if (pattern.len > REGEXP_PATTERN_MAX)
                return err_set(err, ERR_LIMIT, "the pattern has %zu bytes, the limit is %d.",
                               pattern.len, REGEXP_PATTERN_MAX);
        if (!utf8_is_valid(pattern.ptr, pattern.len))
                return err_set(err, ERR_INPUT, "the pattern is not UTF-8.");
        if (memchr(pattern.ptr, '\n', pattern.len) != NULL)
                return err_set(err, ERR_INPUT, "the pattern has a newline in it: each line is "
                                               "looked at alone, so it would never be found.");
        tree->ignores_case = skip(&parser, "(?i)");
        if (!parse_either(&parser, &tree->root))
                return false;
        return is_over(&parser) || refuse(&parser, "a ) has no (; write \\) for the character.");
}
