#include "session/command/commands.h"

#include "base/alloc.h"
#include "base/idmap.h"

#include <stdlib.h>
#include <string.h>

struct commands {
        struct list_node list; /* oldest first */
        struct idmap ids;
        struct command_watch watch;
};

static void ignore_change(void *arg)
{
        (void)arg; /* nobody watches yet */
}

struct commands *commands_new(void)
{
        struct commands *commands = xcalloc(1, sizeof *commands);

        list_init(&commands->list);
        idmap_init(&commands->ids);
        commands->watch.changed = commands->watch.printed = ignore_change;
        return commands;
}

void commands_free(struct commands *commands)
{
        if (commands == NULL)
                return;
        list_each(at, &commands->list) command_free(list_entry(at, struct command, node));
        idmap_fini(&commands->ids);
        free(commands);
}

void commands_set_watch(struct commands *commands, const struct command_watch *watch)
{
        commands->watch = *watch;
}

static size_t count_where(const struct commands *commands, bool is_final)
{
        size_t count = 0;

        list_each(at, &commands->list)
                count += command_state_is_final(list_entry(at, struct command, node)->state)
                         == is_final;
        return count;
}

static void forget_oldest(struct commands *commands)
{
        size_t finished = count_where(commands, /* is_final= */ true);

        list_each(at, &commands->list)
        {
                struct command *command = list_entry(at, struct command, node);
                if (finished <= COMMANDS_KEPT)
                        return;
                if (!command_state_is_final(command->state))
                        continue;
                idmap_remove(&commands->ids, command->id.n);
                command_free(command);
                finished--;
        }
}

command_id commands_add(struct commands *commands, struct command **command)
{
        struct command *added = *command;

        *command = NULL;
        forget_oldest(commands);
        added->watch = &commands->watch;
        added->id.n = idmap_add(&commands->ids, added);
        list_append(&commands->list, &added->node);
        return added->id;
}

struct command *commands_find(const struct commands *commands, command_id id)
{
        return idmap_find(&commands->ids, id.n);
}

command_id commands_find_name(const struct commands *commands, const char *name)
{
        for (struct command *at = commands_last(commands); at != NULL;
             at = commands_before(commands, at))
                if (strcmp(at->name, name) == 0)
                        return at->id;
        return (command_id){ 0 };
}

bool commands_was_given(const struct commands *commands, command_id id)
{
        return id.n > 0 && id.n <= commands->ids.last_id;
}

bool commands_has_room(const struct commands *commands, struct err *err)
{
        if (count_where(commands, /* is_final= */ false) < COMMANDS_RUNNING_MAX)
                return true;
        return err_set(err, ERR_LIMIT,
                       "%d commands are running already, which is the limit. Wait for one with "
                       "get_command_status, or stop one with interrupt_command_by_id "
                       "(list_running_commands names them).",
                       COMMANDS_RUNNING_MAX);
}

static struct command *entry(const struct commands *commands, struct list_node *node)
{
        return node == &commands->list ? NULL : list_entry(node, struct command, node);
}

struct command *commands_last(const struct commands *commands)
{
        return entry(commands, commands->list.prev);
}

struct command *commands_before(const struct commands *commands, const struct command *command)
{
        return entry(commands, command->node.prev);
}

struct command *commands_next_live(const struct commands *commands, uint64_t connection,
                                   const struct command *after)
{
        struct command *at =
                entry(commands, after != NULL ? after->node.next : commands->list.next);

        while (at != NULL && (at->connection != connection || command_state_is_final(at->state)))
                at = entry(commands, at->node.next);
        return at;
}
