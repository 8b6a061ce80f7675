#include "worker/shell/sudo.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/scoped.h"
#include "worker/shell/marker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HALF        (SUDO_NONCE_LEN / 2)
#define PROMPT_HEAD "[mcp-ssh-session "
#define PROMPT_TAIL "] sudo password: "
#define MARK_HEAD   "\x1B]" MARKER_OSC ";S;"
#define MARK_SPELLED "\\033]" MARKER_OSC ";S;" /* as printf(1) has it */

struct sudo *sudo_new(const struct wire_sudo *asked)
{
        struct sudo *sudo = xcalloc(1, sizeof *sudo);

        sudo->own_at = asked->own_at;
        sudo->whom = xstrndup(asked->whom.ptr, asked->whom.len);
        sudo->why_none = xstrndup(asked->why_none.ptr, asked->why_none.len);
        if (asked->password.len > 0)
                sudo->password = secret_new(asked->password.ptr, asked->password.len);
        random_token(sudo->nonce, SUDO_NONCE_LEN);
        (void)snprintf(sudo->prompt, SUDO_PROMPT_MAX, PROMPT_HEAD "%s" PROMPT_TAIL, sudo->nonce);
        (void)snprintf(sudo->mark, SUDO_PROMPT_MAX, MARK_HEAD "%.*s\a", MARKER_START_LEN,
                       sudo->nonce);
        buf_init(&sudo->out, SUDO_OUT_MAX);
        return sudo;
}

static void forget_password(struct sudo *sudo)
{
        secret_free(sudo->password);
        sudo->password = NULL;
}

void sudo_free(struct sudo *sudo)
{
        if (sudo == NULL)
                return;
        forget_password(sudo);
        buf_fini(&sudo->out);
        free(sudo->whom);
        free(sudo->why_none);
        free(sudo->question);
        free(sudo);
}

bool sudo_take_password(struct sudo *sudo, struct str password)
{
        if (sudo->step != SUDO_BEGINS && sudo->step != SUDO_HELPLESS)
                return false;
        if (sudo->password != NULL || password.len == 0)
                return false;
        sudo->password = secret_new(password.ptr, password.len);
        sudo->step = SUDO_BEGINS;
        sudo->tries = 0;
        return true;
}

/* ---- the command line ---- */

static bool write_prompt_option(struct buf *out, const struct sudo *sudo, bool is_piped)
{
        return buf_printf(out, "%s-p '" PROMPT_HEAD "%.*s''%s" PROMPT_TAIL "'", is_piped ? "-S " : "",
                          HALF, sudo->nonce, sudo->nonce + HALF);
}

bool sudo_write_start(struct buf *out, const struct sudo *sudo, const char *shell, bool is_piped)
{
        const int half = MARKER_START_LEN / 2;

        /* `command`: whatever aliases and functions say; an exec channel's shell has none, and
         * leaves its place to sudo, which is then alone there */
        return buf_append_str(out, is_piped ? "exec sudo " : "command sudo ")
            && write_prompt_option(out, sudo, is_piped)
            && buf_printf(out, " -- %s -c 'printf \"" MARK_SPELLED "%.*s\"\"%.*s\\a\"%s;eval \"shift;$1\"' %s ",
                          shell, half, sudo->nonce, MARKER_START_LEN - half, sudo->nonce + half,
                          is_piped ? " >&2" : "", shell);
}

bool sudo_write_own(struct buf *out, const struct sudo *sudo, struct str text, bool is_piped)
{
        size_t word_at = sudo->own_at - strlen("sudo");

        return buf_append(out, text.ptr, word_at)
            && buf_append_str(out, is_piped ? "exec sudo " : "command sudo ")
            && write_prompt_option(out, sudo, is_piped)
            && buf_append(out, text.ptr + sudo->own_at, text.len - sudo->own_at);
}

/* ---- what is printed ---- */

static void put(struct sudo *sudo, char c)
{
        if (!buf_append_byte(&sudo->out, (uint8_t)c))
                bug("a read became more than %d bytes", SUDO_OUT_MAX);
}

static void watch_screen(struct sudo *sudo, char c)
{
        static const char sequence[] = "\x1B[?1049";
        const unsigned whole = sizeof sequence - 1;

        if (sudo->screen_seen == whole && (c == 'h' || c == 'l'))
                sudo->is_full_screen = c == 'h';
        if (sudo->screen_seen < whole && c == sequence[sudo->screen_seen])
                sudo->screen_seen++;
        else
                sudo->screen_seen = c == sequence[0];
}

/* Is what is held the start of the text? */
static bool begins(const struct sudo *sudo, const char *text)
{
        return strncmp(text, sudo->held, sudo->held_len) == 0;
}

static bool is_held(const struct sudo *sudo, const char *text)
{
        return sudo->held_len == strlen(text) && begins(sudo, text);
}

static void take_whole(struct sudo *sudo)
{
        if (is_held(sudo, sudo->prompt)) {
                sudo->at_prompt = true;
                sudo->prompts++;
                sudo->held_len = 0;
        } else if (is_held(sudo, sudo->mark)) {
                sudo->held_len = 0;
                sudo->step = SUDO_RUNS;
                forget_password(sudo);
        }
}

/* The first byte held is output after all; the others are looked at anew. */
static void give_first(struct sudo *sudo)
{
        put(sudo, sudo->held[0]);
        memmove(sudo->held, sudo->held + 1, --sudo->held_len);
}

/* sudo ends the line of its prompt itself, and shows stars for what is typed (pwfeedback). */
static bool is_echo(struct sudo *sudo, char c)
{
        if (sudo->echo_left == 0)
                return false;
        sudo->echo_left = c == '\n' ? 0 : sudo->echo_left - 1;
        if (c == '\n' || strchr("*\b \r", c) != NULL)
                return true;
        sudo->echo_left = 0;
        return false;
}

struct str sudo_feed(struct sudo *sudo, struct str bytes)
{
        buf_reset(&sudo->out);
        for (size_t i = 0; i < bytes.len; i++) {
                char c = bytes.ptr[i];
                watch_screen(sudo, c);
                if (sudo->step == SUDO_RUNS) {
                        put(sudo, c);
                        continue;
                }
                sudo->at_prompt = false;
                if (is_echo(sudo, c))
                        continue;
                sudo->held[sudo->held_len++] = c;
                while (sudo->held_len > 0 && !begins(sudo, sudo->prompt)
                       && !begins(sudo, sudo->mark))
                        give_first(sudo);
                take_whole(sudo);
        }
        return buf_str(&sudo->out);
}

struct str sudo_release(struct sudo *sudo)
{
        buf_reset(&sudo->out);
        while (sudo->held_len > 0)
                give_first(sudo);
        return buf_str(&sudo->out);
}

/* ---- the proof ---- */

static bool is_sudo(const struct facts_process *process)
{
        return strcmp(process->name, "sudo") == 0 || strcmp(process->name, "sudo-rs") == 0;
}

static bool has_our_prompt(const struct sudo *sudo, const struct facts_process *process)
{
        struct str args = str_of(process->args);
        struct str name = str_word(&args);
        const char *slash = str_find_last(name, '/');

        if (slash != NULL) {
                name.len -= (size_t)(slash + 1 - name.ptr);
                name.ptr = slash + 1;
        }
        args = str_trim(args);
        if (str_starts(args, "-S "))
                args = (struct str){ args.ptr + 3, args.len - 3 };
        return (str_is(name, "sudo") || str_is(name, "sudo-rs")) && str_starts(args, "-p ")
            && str_starts((struct str){ args.ptr + 3, args.len - 3 }, sudo->prompt);
}

static const char *doubt_process(const struct sudo *sudo, const struct facts_process *process,
                                 long long shell_pid)
{
        if (!is_sudo(process))
                return "what asks is not sudo";
        if (!process->has_parents || process->euid < 0)
                return "the host does not show as whom the asking sudo runs";
        if (process->euid != 0)
                return "what asks is called sudo, but does not run as root";
        if (process->parent != shell_pid)
                return "the asking sudo was not started by the session's shell";
        if (process->has_children)
                return "what asks runs under sudo already";
        if (!has_our_prompt(sudo, process))
                return "the asking sudo is not the one that was started for this command";
        return process->state != 'S' ? "sudo does not wait for it" : NULL;
}

/* The one process in front but the shell. */
static const char *doubt_all(const struct sudo *sudo, const struct facts *facts, long long shell_pid,
                             const struct facts_process **out_asking)
{
        const struct facts_process *asking = NULL;

        if (!sudo->at_prompt)
                return "its prompt is not the last that was printed";
        if (!facts->found || !facts->modes_known || shell_pid == 0)
                return "who asks for it cannot be seen from here";
        for (size_t i = 0; i < facts->process_count; i++) {
                const struct facts_process *process = &facts->processes[i];
                if (process->pid == shell_pid)
                        continue;
                if (asking != NULL)
                        return "other programs than sudo may read it";
                asking = process;
        }
        *out_asking = asking;
        return asking == NULL ? "no sudo is there to read it" : NULL;
}

const char *sudo_doubt(const struct sudo *sudo, const struct facts *facts, long long shell_pid)
{
        const struct facts_process *asking;
        const char *doubt = doubt_all(sudo, facts, shell_pid, &asking);

        if (doubt != NULL)
                return doubt;
        if (facts->echo)
                return "the terminal would show it";
        doubt = doubt_process(sudo, asking, shell_pid);
        if (doubt == NULL && asking->waits_known && !asking->reads_terminal)
                return "sudo does not wait for it";
        return doubt;
}

const char *sudo_doubt_piped(const struct sudo *sudo, const struct facts *facts)
{
        const struct facts_process *asking;
        const char *doubt = doubt_all(sudo, facts, facts->shell_pid, &asking);

        return doubt != NULL ? doubt : doubt_process(sudo, asking, facts->shell_pid);
}

/* ---- moves ---- */

static void set_question(struct sudo *sudo, char *question)
{
        free(sudo->question);
        sudo->question = question;
}

void sudo_set_typed(struct sudo *sudo)
{
        sudo->step = SUDO_TYPED;
        sudo->echo_left = SUDO_ECHO_MAX;
        forget_password(sudo);
}

void sudo_set_refused(struct sudo *sudo)
{
        sudo->step = SUDO_REFUSED;
        forget_password(sudo);
}

void sudo_give_up(struct sudo *sudo, const char *why)
{
        sudo->step = SUDO_HELPLESS;
        forget_password(sudo);
        if (why == NULL)
                set_question(sudo, xasprintf("sudo password for %s: %s", sudo->whom, sudo->why_none));
        else
                set_question(sudo, xasprintf("sudo password; it was not typed, because %s", why));
}

struct str sudo_question(const struct sudo *sudo)
{
        return str_of(sudo->step == SUDO_HELPLESS && sudo->question != NULL ? sudo->question : "");
}

bool sudo_judge_end(struct sudo *sudo, bool is_piped, struct wire_end *end)
{
        bool is_lost = end->how == WIRE_HOW_LOST || end->how == WIRE_HOW_INTERRUPTED;

        if (sudo->step == SUDO_REFUSED) {
                set_question(sudo, xasprintf("sudo did not accept the password for %s. It was sent "
                                             "once; check it, then run the command again. The "
                                             "command did not run.",
                                             sudo->whom));
        } else if (sudo->step == SUDO_RUNS || sudo->own_at != 0 || is_lost) {
                return false;
        } else if (end->status == 127 && sudo->step == SUDO_BEGINS) {
                set_question(sudo, xstrdup("sudo was not found on the host, so the command did not "
                                           "run: install it, or log in as root."));
        } else if (is_piped && sudo->step == SUDO_HELPLESS) {
                set_question(sudo, xasprintf("sudo did not run the command; it asked for the %s.",
                                             sudo->question));
        } else {
                set_question(sudo, xasprintf("sudo did not run the command%s; what it says stands "
                                             "in the output.%s",
                                             sudo->step == SUDO_TYPED ? " (the password was sent once)" : "",
                                             is_piped ? " Where it wants a terminal (requiretty), run the "
                                                        "command without isolated."
                                                      : ""));
        }
        end->how = WIRE_HOW_REFUSED;
        end->status = -1;
        end->signal = str_of("");
        end->text = str_of(sudo->question);
        return true;
}
