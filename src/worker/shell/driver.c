#include "worker/shell/driver.h"

#include <stddef.h>

/* plain eval would end dash and ash on a syntax error; `command` passes by functions and aliases */
#define POSIX     "command eval", "command printf '", ";%d;%s\\a' \"$?\" \"${PWD-}\""
#define ZSH       "builtin eval", "builtin printf '", ";%d;%s\\a' \"$?\" \"${PWD-}\""
#define KSH_PRINT "command eval", "builtin print -n '", ";'\"$?;${PWD-}\\a\"" /* has no printf */

static const struct driver drivers[] = {
        { "bash", POSIX, DRIVER_QUOTE_ANSI_C, true, true, 128 },
        { "rbash", POSIX, DRIVER_QUOTE_ANSI_C, true, false, 128 },
        { "zsh", ZSH, DRIVER_QUOTE_ANSI_C, true, true, 128 },
        { "dash", POSIX, DRIVER_QUOTE_PRINTF, false, true, 128 },
        { "sh", POSIX, DRIVER_QUOTE_PRINTF, false, true, 128 },
        { "ash", POSIX, DRIVER_QUOTE_PRINTF, true, true, 128 },
        { "busybox", POSIX, DRIVER_QUOTE_PRINTF, true, true, 128 },
        { "ksh93", POSIX, DRIVER_QUOTE_ANSI_C, false, true, 256 },
        { "ksh", POSIX, DRIVER_QUOTE_PRINTF, false, true, 256 },
        { "mksh", KSH_PRINT, DRIVER_QUOTE_ANSI_C, true, true, 128 },
        { "lksh", KSH_PRINT, DRIVER_QUOTE_ANSI_C, true, true, 128 },
        { "yash", POSIX, DRIVER_QUOTE_PRINTF, true, true, 384 },
};

static const char *const other_shells[] = { "fish", "tcsh", "csh",    "bsd-csh", "nu",
                                            "rc",   "xonsh", "elvish", "posh",    "pwsh" };

static struct str without_dash(struct str program) /* a login shell's name begins with one */
{
        if (program.len > 0 && program.ptr[0] == '-') {
                program.ptr++;
                program.len--;
        }
        return program;
}

const struct driver *driver_find(struct str program)
{
        program = without_dash(program);
        for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
                if (str_is(program, drivers[i].name))
                        return &drivers[i];
        return NULL;
}

bool driver_is_shell(struct str program)
{
        if (driver_find(program) != NULL)
                return true;
        program = without_dash(program);
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
