#include "worker/shell/driver.h"

#include <stddef.h>

/* plain eval would end dash and ash on a syntax error; `command` passes by functions and aliases */
#define POSIX     DRIVER_POSIX, "command eval", "command printf '", ";%d;%s\\a' \"$?\" \"${PWD-}\""
#define ZSH       DRIVER_POSIX, "builtin eval", "builtin printf '", ";%d;%s\\a' \"$?\" \"${PWD-}\""
#define KSH_PRINT DRIVER_POSIX, "command eval", "builtin print -n '", ";'\"$?;${PWD-}\\a\"" /* no printf */
#define FISH      DRIVER_FISH, "eval", "builtin printf '", ";%d;%s\\a' $status \"$PWD\""
/* a backslash passes by aliases; their echo knows no escapes in csh, so this costs a fork */
#define CSH       DRIVER_CSH, "eval", "\\printf '", ";%d;%s\\a' $status \"$cwd\""

static const struct driver drivers[] = {
        { "bash", POSIX, DRIVER_QUOTE_ANSI_C, true, true, false, 128 },
        { "rbash", POSIX, DRIVER_QUOTE_ANSI_C, true, false, false, 128 },
        { "zsh", ZSH, DRIVER_QUOTE_ANSI_C, true, true, false, 128 },
        { "dash", POSIX, DRIVER_QUOTE_PRINTF, false, true, false, 128 },
        { "sh", POSIX, DRIVER_QUOTE_PRINTF, false, true, false, 128 },
        { "ash", POSIX, DRIVER_QUOTE_PRINTF, true, true, false, 128 },
        { "busybox", POSIX, DRIVER_QUOTE_PRINTF, true, true, false, 128 },
        { "ksh93", POSIX, DRIVER_QUOTE_ANSI_C, false, true, false, 256 },
        { "ksh", POSIX, DRIVER_QUOTE_PRINTF, false, true, false, 256 },
        { "mksh", KSH_PRINT, DRIVER_QUOTE_ANSI_C, true, true, false, 128 },
        { "lksh", KSH_PRINT, DRIVER_QUOTE_ANSI_C, true, true, false, 128 },
        { "yash", POSIX, DRIVER_QUOTE_PRINTF, true, true, false, 384 },
        { "fish", FISH, DRIVER_QUOTE_FISH, true, false, false, 128 },
        { "tcsh", CSH, DRIVER_QUOTE_CSH, true, false, false, 128 },
        { "csh", CSH, DRIVER_QUOTE_CSH, false, false, true, 128 },
        { "bsd-csh", CSH, DRIVER_QUOTE_CSH, false, false, true, 128 },
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
