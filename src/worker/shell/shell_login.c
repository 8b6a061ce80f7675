/*
 * Which shell is at a prompt: the login shell once its rc files are done, and one that a command
 * has opened. Where the kernel tells its name, that is it; where it cannot (no probe, or the shell
 * is behind ssh, docker or sudo's own terminal), the shell is asked by a line that all of them
 * read the same way. One that gives no answer, or that there is no driver for, is foreign: it can
 * be looked at and typed into, but runs no command of ours.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/scoped.h"
#include "worker/shell/shell_state.h"

#include <stdio.h>
#include <string.h>

void shell_tell_level(struct shell *shell, unsigned index, struct str program, const char *limits,
                      bool is_foreign)
{
        struct wire_shell_level level = {
                .level = index,
                .is_foreign = is_foreign,
                .program = program,
                .limits = str_of(limits != NULL ? limits : ""),
        };

        if (!wire_write_shell_level(shell->config.frames, shell->config.id, &level))
                bug("no room for a shell's level");
}

static void tell_ready(struct shell *shell, struct str program)
{
        if (shell->ready_told)
                return;
        shell->ready_told = true;
        if (!wire_write_shell_ready(shell->config.frames, shell->config.id, program,
                                    shell->levels[0].pid))
                bug("no room for a shell's start");
}

static void use_driver(struct shell *shell, unsigned index, const struct driver *driver,
                       struct str program)
{
        shell->levels[index].driver = driver;
        if (index == 0)
                tell_ready(shell, program);
        shell_tell_level(shell, index, program, driver->limits, false);
}

/* ---- what is no shell of ours ---- */

static char *why_foreign(struct shell *shell, struct str program)
{
        struct str shows = clean_partial(&shell->noise);

        if (driver_is_shell(program))
                return xasprintf("this shell (%.*s) is not one that commands can be run in exactly: use "
                                 "isolated: true, or send_input_by_session and read_screen",
                                 (int)program.len, program.ptr);
        if (shows.len == 0)
                shows = buf_str(&shell->noise_last);
        return xasprintf("the login program%s%.*s is no shell that answers, so commands cannot be run "
                         "in it: use send_input_by_session and read_screen, or isolated: true if the "
                         "host runs commands without it. It shows: %.*s",
                         program.len > 0 ? " " : "", (int)program.len, program.ptr, (int)shows.len,
                         shows.len > 0 ? shows.ptr : "");
}

/* Commands are refused; it stays open for those who type into it by themselves. */
static void become_foreign(struct shell *shell, struct str program, int64_t now_ms)
{
        scoped_free char *why = why_foreign(shell, program);

        tell_ready(shell, program);
        if (shell->waiting != NULL)
                shell_refuse_waiting(shell, why);
        shell_tell_level(shell, 0, program, why, true);
        shell_set_phase(shell, SHELL_FOREIGN, now_ms);
}

/* ---- the login shell at its prompt ---- */

void shell_on_ready(struct shell *shell, const struct facts *facts,
                    const struct facts_process *process, int64_t now_ms)
{
        struct level *level = &shell->levels[0];
        struct str name = str_of(process->name);
        const struct driver *driver = driver_find_at_prompt(name, facts->canonical);

        if (level->driver != NULL) { /* back at its prompt, after input that no command was there for */
                shell_set_phase(shell, SHELL_IDLE, now_ms);
                return;
        }
        if (driver == NULL || !facts_is_interactive_shell(process)) {
                become_foreign(shell, name, now_ms);
                return;
        }
        level->stack = process->stack;
        use_driver(shell, 0, driver, name);
        shell_set_phase(shell, SHELL_IDLE, now_ms);
}

/* ---- asking ---- */

void shell_ask_name(struct shell *shell, int64_t now_ms)
{
        struct buf line;

        random_token(shell->ask_nonce, MARKER_END_LEN);
        buf_init(&line, 4096);
        if (wrapper_write_name_question(&line, shell->ask_nonce))
                shell_type(shell, line.data, line.len);
        buf_fini(&line);
        shell_set_phase(shell, SHELL_ASKING, now_ms);
}

/* Nobody knows what it is: nothing that it prints tells, and it was not typed at, or gave no answer. */
void shell_give_up_asking(struct shell *shell, int64_t now_ms)
{
        struct entry *top = shell_top_entry(shell);

        if (top == NULL) {
                become_foreign(shell, str_of(""), now_ms);
                return;
        }
        shell_type(shell, "\x03", 1); /* the question may stand in its line */
        if (shell->waiting != NULL)
                shell_refuse_waiting(shell, "what reads the terminal there does not answer as a shell: "
                                            "use send_input and read_screen");
        shell->open_levels = shell->depth;
        shell_set_phase(shell, SHELL_RUNNING, now_ms);
        job_tell_awaiting(top->job, WIRE_AWAITING_PROGRAM, str_of(""));
        top->is_foreign = true;
}

void shell_on_name(struct shell *shell, struct str name, int64_t now_ms)
{
        const struct driver *driver = driver_find(name);

        if (driver == NULL && driver_is_shell(name)) {
                shell_give_up_asking(shell, now_ms);
                return;
        }
        if (name.len > 0 && name.ptr[0] == '-')
                name = (struct str){ name.ptr + 1, name.len - 1 };
        use_driver(shell, shell->depth, driver != NULL ? driver : driver_fallback(), name);
        shell_set_phase(shell, SHELL_SETTLING, now_ms);
}

/* ---- nested ones ---- */

/* One that we have no driver for can be seen and typed into, but runs no commands of ours. */
bool shell_can_run_in(const struct shell *shell, const struct facts_process *process)
{
        struct str name = str_of(process->name);
        const struct entry *top = &shell->entries[shell->depth - 1];

        return shell->depth < SHELL_DEPTH_MAX && !top->is_foreign
            && (driver_find(name) != NULL || !driver_is_shell(name));
}

/* A shell inside the top command is at its prompt: the next command may be typed into it. */
void shell_open_level(struct shell *shell, const struct facts *facts,
                      const struct facts_process *process, int64_t now_ms)
{
        struct str name = str_of(process->name);
        const struct driver *driver = driver_find_at_prompt(name, facts->canonical);
        bool is_remote = driver == NULL;

        shell->levels[shell->depth] = (struct level){
                .driver = driver,
                .pid = is_remote ? 0 : process->pid,
                .stack = is_remote ? 0 : process->stack,
                .last_status = -1,
                .is_fresh = true,
                .is_remote = is_remote,
        };
        shell->open_levels = shell->depth + 1;
        if (is_remote) /* which one it is, it is asked when a command is to be typed */
                shell_tell_level(shell, shell->depth, str_of(""), NULL, false);
        else
                use_driver(shell, shell->depth, driver, name);
        shell_set_phase(shell, SHELL_IDLE, now_ms);
}
