#include "worker/shell/driver.h"

#include <stddef.h>

/* plain eval would end dash and ash on a syntax error; `command` passes by functions and aliases */
#define POSIX     DRIVER_POSIX, "command eval", "command printf '", ";%d;%s\\a' \"$?\" \"${PWD-}\""
#define ZSH       DRIVER_POSIX, "builtin eval", "builtin printf '", ";%d;%s\\a' \"$?\" \"${PWD-}\""
#define KSH_PRINT DRIVER_POSIX, "command eval", "builtin print -n '", ";'\"$?;${PWD-}\\a\"" /* no printf */
#define FISH      DRIVER_FISH, "eval", "builtin printf '", ";%d;%s\\a' $status \"$PWD\""
/* a backslash passes by aliases; their echo knows no escapes in csh, so this costs a fork */
#define CSH       DRIVER_CSH, "eval", "\\printf '", ";%d;%s\\a' $status \"$cwd\""

#define WHILE_LIMITS \
        "in a command of several lines csh's own `while` makes a round too many (a fault of its eval): "  \
        "foreach and sh -c '...' are exact"
#define CSH_LIMITS                                                                                 \
        "in this csh the output of echo, set and other builtins goes to the terminal even where a "  \
        "command redirects it or pipes it on, and `while` makes a round too many (faults of its eval); "     \
        "sh -c '...' is exact"

static const struct driver drivers[] = {
        { "bash", POSIX, DRIVER_QUOTE_ANSI_C, true, true, false, 128, NULL },
        { "rbash", POSIX, DRIVER_QUOTE_ANSI_C, true, false, false, 128, NULL },
        { "zsh", ZSH, DRIVER_QUOTE_ANSI_C, true, true, false, 128, NULL },
        { "dash", POSIX, DRIVER_QUOTE_PRINTF, false, true, false, 128, NULL },
        { "sh", POSIX, DRIVER_QUOTE_PRINTF, false, true, false, 128, NULL },
        { "ash", POSIX, DRIVER_QUOTE_PRINTF, true, true, false, 128, NULL },
        { "busybox", POSIX, DRIVER_QUOTE_PRINTF, true, true, false, 128, NULL },
        { "ksh93", POSIX, DRIVER_QUOTE_ANSI_C, false, true, false, 256, NULL },
        { "ksh", POSIX, DRIVER_QUOTE_PRINTF, false, true, false, 256, NULL },
        { "mksh", KSH_PRINT, DRIVER_QUOTE_ANSI_C, true, true, false, 128, NULL },
        { "lksh", KSH_PRINT, DRIVER_QUOTE_ANSI_C, true, true, false, 128, NULL },
        { "yash", POSIX, DRIVER_QUOTE_PRINTF, true, true, false, 384, NULL },
        { "fish", FISH, DRIVER_QUOTE_FISH, true, false, false, 128, NULL },
        { "tcsh", CSH, DRIVER_QUOTE_CSH, true, false, false, 128, WHILE_LIMITS },
        { "csh", CSH, DRIVER_QUOTE_CSH, false, false, true, 128, CSH_LIMITS },
        { "bsd-csh", CSH, DRIVER_QUOTE_CSH, false, false, true, 128, CSH_LIMITS },
};

static const char *const other_shells[] = { "nu", "rc", "xonsh", "elvish", "posh", "pwsh", "es", "oil" };

/* A login shell's name begins with a dash; some systems tell the whole path. */
static struct str bare_name(struct str program)
{
        const char *slash = str_find_last(program, '/');

        if (slash != NULL) {
                program.len -= (size_t)(slash + 1 - program.ptr);
                program.ptr = slash + 1;
        }
        if (program.len > 0 && program.ptr[0] == '-') {
                program.ptr++;
                program.len--;
        }
        return program;
}

const struct driver *driver_find(struct str program)
{
        program = bare_name(program);
        for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
                if (str_is(program, drivers[i].name))
                        return &drivers[i];
        return NULL;
}

const struct driver *driver_find_at_prompt(struct str program, bool is_canonical)
{
        const struct driver *driver = driver_find(program);

        if (driver != NULL && driver->language == DRIVER_CSH && !is_canonical)
                return driver_find(str_of("tcsh"));
        return driver;
}

bool driver_is_shell(struct str program)
{
        if (driver_find(program) != NULL)
                return true;
        program = bare_name(program);
        for (size_t i = 0; i < sizeof other_shells / sizeof other_shells[0]; i++)
                if (str_is(program, other_shells[i]))
                        return true;
        return false;
}

const struct driver *driver_fallback(void)
{
        return driver_find(str_of("sh"));
}

int driver_status(const struct driver *driver, long long status)
{
        if (status < 0)
                return -1;
        if (driver->signal_base > 128 && status > driver->signal_base)
                return (int)(128 + (status - driver->signal_base)) & 0xFF;
        return (int)(status & 0xFF);
}
