#include "session/command/shells.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

void shells_init(struct shells *shells)
{
        list_init(&shells->list);
        idmap_init(&shells->ids);
        shells->count = 0;
}

void shells_fini(struct shells *shells)
{
        if (shells->list.next == NULL)
                return;
        list_each(at, &shells->list) shells_remove(shells, list_entry(at, struct shell, node));
        idmap_fini(&shells->ids);
}

struct shell *shells_add(struct shells *shells, const char *name)
{
        struct shell *shell = xcalloc(1, sizeof *shell);

        shell->name = xstrdup(name);
        shell->opened_wall_ms = clock_wall_ms();
        shell->id = idmap_add(&shells->ids, shell);
        list_append(&shells->list, &shell->node);
        shells->count++;
        return shell;
}

void shells_remove(struct shells *shells, struct shell *shell)
{
        idmap_remove(&shells->ids, shell->id);
        list_remove(&shell->node);
        shells->count--;
        free(shell->name);
        for (unsigned i = 0; i <= SHELL_NESTING_MAX; i++) {
                free(shell->levels[i].program);
                free(shell->levels[i].limits);
        }
        free(shell->cwd);
        free(shell);
}

struct shell *shells_find(const struct shells *shells, uint64_t id)
{
        return idmap_find(&shells->ids, id);
}

struct shell *shells_find_name(const struct shells *shells, const char *name)
{
        list_each(at, &shells->list)
        {
                struct shell *shell = list_entry(at, struct shell, node);
                if (shell->state != SHELL_CLOSING && strcmp(shell->name, name) == 0)
                        return shell;
        }
        return NULL;
}

bool shells_was_given(const struct shells *shells, uint64_t id)
{
        return id > 0 && id <= shells->ids.last_id;
}

void shell_set_level(struct shell *shell, unsigned level, char **program, char **limits)
{
        struct shell_level *at = &shell->levels[level];

        free(at->program);
        free(at->limits);
        *at = (struct shell_level){ .program = *program, .limits = *limits };
        *program = NULL;
        *limits = NULL;
}

unsigned shell_levels(const struct shell *shell, const struct commands *commands)
{
        const struct command *top = commands_find(commands, shell_top(shell));

        if (top == NULL || shell->state != SHELL_READY)
                return 1;
        bool is_open = top->state == COMMAND_AWAITING && top->awaiting == WIRE_AWAITING_SHELL;
        return shell->depth + (is_open ? 1 : 0);
}

command_id shell_top(const struct shell *shell)
{
        return shell->depth > 0 ? shell->held_by[shell->depth - 1] : (command_id){ 0 };
}

bool shell_may_take(const struct shell *shell, const struct commands *commands,
                    command_id *out_busy, struct err *err)
{
        const struct command *top = commands_find(commands, shell_top(shell));

        if (top == NULL)
                return true;
        if (top->state != COMMAND_AWAITING || top->awaiting != WIRE_AWAITING_SHELL) {
                *out_busy = top->id;
                return err_set(
                        err, ERR_STATE,
                        "a command (%s) is %s in this session. Wait for it, interrupt it, or give "
                        "another session name, or isolated.",
                        top->name, command_state_name(top->state));
        }
        if (shell->depth < SHELL_NESTING_MAX)
                return true;
        return err_set(
                err, ERR_LIMIT,
                "%d commands run inside each other in this session, which is the limit. Leave a "
                "nested shell with send_input (\"exit\\n\").",
                SHELL_NESTING_MAX);
}

void shell_push(struct shell *shell, command_id id)
{
        if (shell->depth == SHELL_NESTING_MAX)
                bug("shell %s: nested too deep", shell->name);
        shell->held_by[shell->depth++] = id;
}

void shell_drop(struct shell *shell, command_id id)
{
        for (unsigned i = 0; i < shell->depth; i++) {
                if (shell->held_by[i].n != id.n)
                        continue;
                shell->depth--;
                memmove(shell->held_by + i, shell->held_by + i + 1,
                        (shell->depth - i) * sizeof *shell->held_by);
                return;
        }
}
