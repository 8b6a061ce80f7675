/* buf results are not checked: see text.c. */
#include "mcp/program_text.h"

#include "base/log.h"
#include "base/str.h"
#include "mcp/text.h"

#include <string.h>

#define PROMPT_MAX 200 /* bytes of a REPL's prompt */

#define put(...) ((void)buf_printf(__VA_ARGS__))

struct program {
        const char *name;
        enum program_kind kind;
        const char *leave; /* keys as send_keys has them; of a REPL a line */
};

static const struct program programs[] = {
        { "less", PROGRAM_PAGER, "q" },
        { "more", PROGRAM_PAGER, "q" },
        { "most", PROGRAM_PAGER, "q" },
        { "man", PROGRAM_PAGER, "q" },
        { "pager", PROGRAM_PAGER, "q" },
        { "vim", PROGRAM_EDITOR, "<esc>:q!<enter>" },
        { "vi", PROGRAM_EDITOR, "<esc>:q!<enter>" },
        { "nvim", PROGRAM_EDITOR, "<esc>:q!<enter>" },
        { "view", PROGRAM_EDITOR, "<esc>:q!<enter>" },
        { "vimdiff", PROGRAM_EDITOR, "<esc>:qa!<enter>" },
        { "nano", PROGRAM_EDITOR, "<ctrl-x>n" },
        { "emacs", PROGRAM_EDITOR, "<ctrl-x><ctrl-c>" },
        { "micro", PROGRAM_EDITOR, "<ctrl-q>n" },
        { "python", PROGRAM_REPL, "exit()" },
        { "sqlite", PROGRAM_REPL, ".quit" },
        { "psql", PROGRAM_REPL, "\\q" },
        { "mysql", PROGRAM_REPL, "exit" },
        { "mariadb", PROGRAM_REPL, "exit" },
        { "gdb", PROGRAM_REPL, "quit" },
        { "bc", PROGRAM_REPL, "quit" },
        { "node", PROGRAM_REPL, ".exit" },
        { "MainThread", PROGRAM_REPL, ".exit" }, /* what newer ones of node call themselves */
        { "top", PROGRAM_SCREEN, "q" },
        { "htop", PROGRAM_SCREEN, "q" },
        { "mc", PROGRAM_SCREEN, "<f10>" },
        { "whiptail", PROGRAM_MENU, "<esc>" },
        { "dialog", PROGRAM_MENU, "<esc>" },
};

/* Without a variant (.basic, -nox) and a version. */
static struct str stem_of(const char *name)
{
        struct str stem = { name, strcspn(name, ".-") };

        while (stem.len > 1 && stem.ptr[stem.len - 1] >= '0' && stem.ptr[stem.len - 1] <= '9')
                stem.len--;
        return stem;
}

static const struct program *find(const char *name)
{
        struct str stem = stem_of(name);

        for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
                if (str_is(stem, programs[i].name))
                        return &programs[i];
        return NULL;
}

enum program_kind program_kind_of(const char *name)
{
        const struct program *program = find(name);

        return program != NULL ? program->kind : PROGRAM_OTHER;
}

void program_write_question(struct buf *out, const struct command_info *info)
{
        struct str partial = output_partial(info->out);
        char line[PROMPT_MAX + 1];

        if (info->awaiting != WIRE_AWAITING_PROGRAM
            || program_kind_of(info->question) != PROGRAM_REPL)
                return;
        partial = str_trim(partial);
        if (partial.len == 0 || partial.len > PROMPT_MAX)
                return;
        memcpy(line, partial.ptr, partial.len);
        line[partial.len] = 0;
        put(out, " asks \"");
        text_write_line(out, line, PROMPT_MAX);
        put(out, "\"");
}

/* A REPL's lines go through send_input, where a backslash is spelled twice. */
static void write_repl(struct buf *out, const struct command_info *info,
                       const struct program *program)
{
        put(out, "It takes lines at its own prompt: send_input('%s', 'your line\\n'); ", info->name);
        put(out, "'%s%s\\n' leaves it.\n", program->leave[0] == '\\' ? "\\" : "", program->leave);
}

void program_write_how_to_answer(struct buf *out, const struct command_info *info)
{
        const struct program *program = find(info->question);

        switch (program != NULL ? program->kind : PROGRAM_OTHER) {
        case PROGRAM_OTHER:
                put(out, "Use read_screen to see it and send_keys to press keys, or "
                         "send_input('%s', 'keys'); \\n is Enter.\n",
                    info->name);
                return;
        case PROGRAM_PAGER:
                put(out, "It is a pager: send_keys \"%s\" leaves it, \"<space>\" turns the page. For "
                         "all of the text at once run the command with | cat.\n",
                    program->leave);
                return;
        case PROGRAM_EDITOR:
                put(out, "It is an editor: read_screen shows it, send_keys types, \"%s\" leaves "
                         "without saving.\n",
                    program->leave);
                return;
        case PROGRAM_REPL: write_repl(out, info, program); return;
        case PROGRAM_SCREEN:
                put(out, "It fills the screen: read_screen shows it, send_keys \"%s\" leaves it.\n",
                    program->leave);
                return;
        case PROGRAM_MENU:
                put(out, "It is a menu: read_screen shows it; send_keys \"<down>\", \"<tab>\", "
                         "\"<enter>\" choose, \"%s\" cancels.\n",
                    program->leave);
                return;
        }
        bug("a program's kind");
}
