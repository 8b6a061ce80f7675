#include "worker/shell/wrapper.h"

#include "base/log.h"
#include "base/scoped.h"
#include "worker/shell/quoting.h"

#include <string.h>

#define START_HALF (MARKER_START_LEN / 2)
#define END_HALF   (MARKER_END_LEN / 2)
#define INTRO      "\\033]" MARKER_OSC ";" /* as the line spells it; mksh wants the 0 */

/* Keeps what we type out of what the shell writes into its history file when it ends. */
static const char *first_words(const struct driver *driver)
{
        switch (driver->language) {
        case DRIVER_POSIX: return "unset HISTFILE;";
        case DRIVER_FISH:  return ""; /* it keeps no line that begins with a blank */
        case DRIVER_CSH:   return "unset savehist;";
        }
        return "";
}

/* sudo itself, whatever functions and aliases say. */
static const char *sudo_call(const struct driver *driver)
{
        switch (driver->language) {
        case DRIVER_POSIX:
        case DRIVER_FISH: return "command sudo";
        case DRIVER_CSH:  return "\\sudo";
        }
        bug("driver language %d", (int)driver->language);
}

/* The shell of the session runs an elevated command as well, under a name that sudo's path has. */
static const char *elevated_shell(const struct driver *driver)
{
        static const char *const plain[] = { "sh", "dash", "ash", "busybox" };

        for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
                if (strcmp(driver->name, plain[i]) == 0)
                        return "sh";
        return driver->name;
}

static bool write_own_sudo(struct buf *out, const struct wrapper *wrapper, size_t line_start)
{
        scoped_buf struct buf text;

        buf_init(&text, wrapper->command.len + 2 * SUDO_PROMPT_MAX);
        return sudo_write_own(&text, wrapper->sudo, sudo_call(wrapper->driver),
                              wrapper->command)
            && buf_printf(out, "%s ", wrapper->driver->eval)
            && quoting_write(out, wrapper->driver, buf_str(&text), wrapper->status_before, line_start);
}

static bool write_command(struct buf *out, const struct wrapper *wrapper, size_t line_start)
{
        const struct driver *driver = wrapper->driver;

        if (wrapper->sudo != NULL && wrapper->sudo->own_at != 0)
                return write_own_sudo(out, wrapper, line_start);
        bool is_begun = wrapper->sudo != NULL
                              ? sudo_write_start(out, wrapper->sudo, sudo_call(driver),
                                                 elevated_shell(driver))
                              : buf_printf(out, "%s ", driver->eval);
        return is_begun
            && quoting_write(out, driver, wrapper->command, wrapper->status_before, line_start);
}

/*
 * Puts $? back without a trace: the left side of || may fail under set -e and in ERR traps.
 * Only statuses beyond 1 cost a fork. For csh the quoted text sees to it.
 */
static bool write_status_before(struct buf *out, const struct driver *driver, int status)
{
        if (status <= 0 || driver->language == DRIVER_CSH)
                return true;
        if (driver->language == DRIVER_FISH)
                return buf_printf(out, "command sh -c 'exit %d';", status);
        return status == 1 ? buf_append_str(out, "false || ")
                           : buf_printf(out, "(exit %d) || ", status);
}

static bool write_end_mark(struct buf *out, const struct wrapper *wrapper)
{
        const struct driver *driver = wrapper->driver;

        return buf_printf(out, "%s%s" INTRO "E;%.*s'%s'%s%s", driver->may_redirect ? "{ " : "",
                          driver->print, END_HALF, wrapper->end_nonce, wrapper->end_nonce + END_HALF,
                          driver->print_end, driver->may_redirect ? ";} 2>&-" : "");
}

/*
 * A shell that reads plain lines takes LF whatever the terminal's modes are, and a program that was
 * killed may have left them raw; a line editor wants what the key sends.
 */
static bool write_enter(struct buf *out, const struct driver *driver)
{
        return buf_append_byte(out, driver->prompts_raw ? '\r' : '\n');
}

/* In csh `exit` leaves the eval that it stands in, and goes on with our line: so nothing is around it. */
static bool is_bare_exit(const struct driver *driver, struct str text)
{
        long long number;

        if (driver->language != DRIVER_CSH)
                return false;
        text = str_trim(text);
        struct str word = str_word(&text);
        struct str status = str_word(&text);
        return (str_is(word, "exit") || str_is(word, "logout")) && str_trim(text).len == 0
            && (status.len == 0 || (status.len < 8 && str_number(status, &number)));
}

static bool write_bare_exit(struct buf *out, struct str text)
{
        text = str_trim(text);
        struct str word = str_word(&text);
        struct str status = str_word(&text);

        return buf_printf(out, "%.*s %.*s", (int)word.len, word.ptr, (int)status.len, status.ptr);
}

static bool write_eval(struct buf *out, const struct wrapper *wrapper, size_t line_start)
{
        const struct driver *driver = wrapper->driver;

        return write_status_before(out, driver, wrapper->status_before)
            && write_command(out, wrapper, line_start)
            && buf_append_str(out, ";")
            && write_end_mark(out, wrapper);
}

bool wrapper_write(struct buf *out, const struct wrapper *wrapper)
{
        const struct driver *driver = wrapper->driver;
        size_t line_start = out->len;

        return buf_printf(out, " %s%s" INTRO "S;%.*s'%s'\\a';",
                          wrapper->is_first ? first_words(driver) : "", driver->print, START_HALF,
                          wrapper->start_nonce, wrapper->start_nonce + START_HALF)
            && (is_bare_exit(driver, wrapper->command)
                        ? write_bare_exit(out, wrapper->command)
                        : write_eval(out, wrapper, line_start))
            && write_enter(out, driver);
}

bool wrapper_write_end_only(struct buf *out, const struct wrapper *wrapper)
{
        return buf_append_byte(out, ' ') && write_end_mark(out, wrapper)
            && write_enter(out, wrapper->driver);
}

bool wrapper_write_name_question(struct buf *out, const char *end_nonce)
{
        return buf_printf(out, " sh -c 'exec 2>&-;read n </proc/$PPID/comm||n=`ps -o comm= -p $PPID`;"
                               "printf \"" INTRO "E;%.*s$1;0;%%s\\a\" \"$n\"' x %s\r",
                          END_HALF, end_nonce, end_nonce + END_HALF);
}
