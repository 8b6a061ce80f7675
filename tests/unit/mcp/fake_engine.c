/*
 * Command texts that play a part of their own:
 *      true, false         end at once
 *      echo TEXT           prints it
 *      lines N             prints N numbered lines
 *      ask                 waits for a password, ends when it has one
 *      lost, refused       end as that
 *      wait TEXT           prints it as an unfinished line and goes on
 */
#include "mcp/fake_engine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_wait {
        struct list_node node;
        wait_id id;
        command_id command;
        struct wait_spec spec;
        int64_t begun_ms;
        int64_t ticked_ms;
        wait_done *done;
        void *arg;
};

struct engine {
        struct fake_command commands[FAKE_COMMANDS_MAX];
        size_t count;
        struct list_node waits;
        uint64_t last_wait;
        struct fake_request request;
        struct err refusal; /* code ERR_NONE: none */
        command_id refusal_holder;
        struct session_info sessions[FAKE_SESSIONS_MAX];
        size_t session_count;
        struct redactor *redactor;
        char keys[256];
        struct screen_request screen_request;
        uint64_t last_ticket;
        screen_done *screen_done; /* NULL: nobody waits for a screen */
        void *screen_arg;
};

struct engine *fake_engine_new(void)
{
        struct engine *engine = xcalloc(1, sizeof *engine);

        list_init(&engine->waits);
        engine->redactor = redactor_new();
        return engine;
}

static void command_clear(struct fake_command *command)
{
        free((void *)(uintptr_t)command->info.name);
        free((void *)(uintptr_t)command->info.text);
        output_free(command->info.out);
        output_free(command->info.err);
        buf_fini(&command->input);
        *command = (struct fake_command){ 0 };
}

void engine_free(struct engine *engine)
{
        if (engine == NULL)
                return;
        for (size_t i = 0; i < engine->count; i++)
                command_clear(&engine->commands[i]);
        list_each(at, &engine->waits)
                free(list_entry(at, struct fake_wait, node));
        redactor_free(engine->redactor);
        free(engine);
}

bool engine_add_secret(struct engine *engine, const char *bytes, size_t len, struct err *err)
{
        return redactor_add(engine->redactor, (struct str){ bytes, len }, err);
}

bool engine_redact(const struct engine *engine, struct str text, struct buf *out)
{
        return !redactor_is_empty(engine->redactor)
               && redactor_text(engine->redactor, text, out) > 0;
}

static struct fake_command *find(const struct engine *engine, command_id id)
{
        const struct fake_command *command = &engine->commands[id.n > 0 ? id.n - 1 : 0];

        if (id.n == 0 || id.n > engine->count || command->info.name == NULL)
                return NULL;
        return (struct fake_command *)(uintptr_t)command;
}

struct fake_command *fake_newest(struct engine *engine)
{
        return find(engine, (command_id){ engine->count });
}

const struct fake_request *fake_request(struct engine *engine)
{
        return &engine->request;
}

void fake_refuse(struct engine *engine, enum err_code code, const char *text,
                 const struct fake_command *holder)
{
        (void)err_set(&engine->refusal, code, "%s", text);
        engine->refusal_holder = holder != NULL ? holder->info.id : (command_id){ 0 };
}

/* ---- what happens to commands ---- */

void fake_print_bytes(struct fake_command *command, const void *bytes, size_t len)
{
        output_append(command->info.out, bytes, len);
        command->changed_ms = clock_now_ms();
}

void fake_print(struct fake_command *command, const char *text)
{
        fake_print_bytes(command, text, strlen(text));
}

void fake_partial(struct fake_command *command, const char *text)
{
        output_set_partial(command->info.out, text, strlen(text));
        command->changed_ms = clock_now_ms();
}

void fake_await(struct fake_command *command, enum wire_awaiting awaiting, const char *question)
{
        command->info.state = COMMAND_AWAITING;
        command->info.awaiting = awaiting;
        command->info.question = question;
}

void fake_end(struct fake_command *command, int status)
{
        command->info.state = COMMAND_DONE;
        command->info.awaiting = WIRE_AWAITING_NOTHING;
        command->info.status_known = true;
        command->info.exit_status = status;
        command->info.ended_wall_ms = clock_wall_ms();
        command->info.cwd = "/home/web";
        fake_partial(command, "");
}

void fake_forget(struct engine *engine, struct fake_command *command)
{
        (void)engine;
        command_clear(command);
}

static void fail(struct fake_command *command, enum command_state state, enum err_code code,
                 const char *text)
{
        command->info.state = state;
        (void)err_set(&command->info.error, code, "%s", text);
        command->info.reason = command->info.error.text;
        command->info.ended_wall_ms = clock_wall_ms();
}

static void play(struct fake_command *command)
{
        const char *text = command->info.text;
        char line[64];

        if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
                fake_end(command, text[0] == 'f');
        } else if (strncmp(text, "echo ", 5) == 0) {
                fake_print(command, text + 5);
                fake_print(command, "\n");
                fake_end(command, 0);
        } else if (strncmp(text, "lines ", 6) == 0) {
                for (int i = 1; i <= atoi(text + 6); i++) {
                        (void)snprintf(line, sizeof line, "line %d\n", i);
                        fake_print(command, line);
                }
                fake_end(command, 0);
        } else if (strcmp(text, "ask") == 0) {
                fake_partial(command, "[sudo] password for web: ");
                fake_await(command, WIRE_AWAITING_PASSWORD, "[sudo] password for web");
        } else if (strcmp(text, "lost") == 0) {
                fail(command, COMMAND_LOST, ERR_CONNECT, "connection lost: reset by peer");
        } else if (strcmp(text, "refused") == 0) {
                fail(command, COMMAND_FAILED, ERR_CONNECT, "connecting to web1: refused");
        } else if (strncmp(text, "wait ", 5) == 0) {
                fake_partial(command, text + 5);
        }
}

/* ---- engine.h ---- */

static void copy(char *out, size_t size, const char *text)
{
        (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

static void note_session(struct engine *engine, const struct session_ref *session)
{
        struct fake_request *request = &engine->request;

        *request = (struct fake_request){ .port = session->port };
        copy(request->host, sizeof request->host, session->host);
        copy(request->username, sizeof request->username, session->username);
        copy(request->shell, sizeof request->shell, session->shell);
}

bool engine_run(struct engine *engine, const struct run_request *request, command_id *out_id,
                command_id *out_busy, struct err *err)
{
        note_session(engine, &request->session);
        copy(engine->request.password, sizeof engine->request.password, request->password);
        copy(engine->request.key_filename, sizeof engine->request.key_filename,
             request->key_filename);
        engine->request.isolated = request->isolated;
        engine->request.use_sudo = request->use_sudo;
        copy(engine->request.sudo_password, sizeof engine->request.sudo_password,
             request->sudo_password);
        if (engine->refusal.code != ERR_NONE) {
                *err = engine->refusal;
                *out_busy = engine->refusal_holder;
                engine->refusal.code = ERR_NONE;
                return false;
        }
        if (engine->count == FAKE_COMMANDS_MAX)
                return err_set(err, ERR_LIMIT, "no more than %d commands", FAKE_COMMANDS_MAX);

        struct fake_command *command = &engine->commands[engine->count++];
        command->info = (struct command_info){
                .id = { engine->count },
                .name = xasprintf("00000000-0000-4000-8000-%012zu", engine->count),
                .session = "web@web1:22",
                .text = xstrndup(request->text, request->text_len),
                .state = COMMAND_RUNNING,
                .isolated = request->isolated,
                .reason = "",
                .question = "",
                .stopping_name = "",
                .notes = "",
                .asked_wall_ms = clock_wall_ms(),
                .duration_ms = 3,
                .out = output_new(),
                .err = request->isolated ? output_new() : NULL,
        };
        buf_init(&command->input, 1024);
        play(command);
        *out_id = command->info.id;
        return true;
}

bool engine_interrupt(struct engine *engine, command_id id, struct err *err)
{
        struct fake_command *command = find(engine, id);

        if (command == NULL || command_state_is_final(command->info.state))
                return err_set(err, ERR_STATE, "the command has ended already");
        command->interrupts++;
        if (command->info.stopping == WIRE_STOPPING_NOT)
                command->info.stopping = WIRE_STOPPING_UNDER_WAY;
        return true;
}

bool engine_input(struct engine *engine, command_id id, const char *bytes, size_t len,
                  struct err *err)
{
        struct fake_command *command = find(engine, id);

        if (command == NULL || command_state_is_final(command->info.state))
                return err_set(err, ERR_STATE, "Command is not active");
        (void)buf_append(&command->input, bytes, len);
        if (strcmp(command->info.text, "ask") == 0) {
                fake_print(command, "[sudo] password for web: \nuid=0(root)\n");
                fake_end(command, 0);
        } else if (command->info.state == COMMAND_AWAITING) {
                command->info.state = COMMAND_RUNNING;
                command->info.awaiting = WIRE_AWAITING_NOTHING;
        }
        return true;
}

bool engine_session_input(struct engine *engine, const struct session_ref *session,
                          const char *bytes, size_t len, command_id *out_id, struct err *err)
{
        struct fake_command *command = fake_newest(engine);

        note_session(engine, session);
        *out_id = (command_id){ 0 };
        if (command == NULL)
                return err_set(err, ERR_NOT_FOUND, "No active shell for this session");
        if (command_state_is_final(command->info.state))
                return true;
        *out_id = command->info.id;
        return engine_input(engine, *out_id, bytes, len, err);
}

bool engine_send_keys(struct engine *engine, const struct session_ref *session, const char *keys,
                      size_t len, struct err *err)
{
        note_session(engine, session);
        if (memchr(keys, '?', len) != NULL)
                return err_set(err, ERR_INPUT, "there is no key ?");
        (void)snprintf(engine->keys, sizeof engine->keys, "%.*s", (int)len, keys);
        return true;
}

bool engine_read_screen(struct engine *engine, const struct session_ref *session,
                        const struct screen_request *request, screen_done *done, void *arg,
                        uint64_t *out_ticket, command_id *out_command, struct err *err)
{
        const struct fake_command *command = fake_newest(engine);

        note_session(engine, session);
        if (strcmp(session->host, "nowhere") == 0)
                return err_set(err, ERR_NOT_FOUND, "No active shell for this session.");
        engine->screen_request = *request;
        engine->screen_done = done;
        engine->screen_arg = arg;
        *out_ticket = ++engine->last_ticket;
        *out_command = command != NULL ? command->info.id : (command_id){ 0 };
        return true;
}

void engine_cancel_screen(struct engine *engine, uint64_t ticket)
{
        if (ticket == engine->last_ticket)
                engine->screen_done = NULL;
}

const char *fake_keys(struct engine *engine)
{
        return engine->keys;
}

const struct screen_request *fake_screen_request(struct engine *engine)
{
        return &engine->screen_request;
}

bool fake_screen(struct engine *engine, const struct screen_info *info, const struct err *err)
{
        screen_done *done = engine->screen_done;

        engine->screen_done = NULL;
        if (done != NULL)
                done(engine->screen_arg, engine->last_ticket, info, err);
        return done != NULL;
}

command_id engine_find(const struct engine *engine, const char *name)
{
        for (size_t i = 0; i < engine->count; i++)
                if (engine->commands[i].info.name != NULL
                    && strcmp(engine->commands[i].info.name, name) == 0)
                        return engine->commands[i].info.id;
        return (command_id){ 0 };
}

bool engine_info(const struct engine *engine, command_id id, struct command_info *out_info)
{
        const struct fake_command *command = find(engine, id);

        if (command == NULL)
                return false;
        *out_info = command->info;
        return true;
}

void engine_each_command(const struct engine *engine, command_visit *visit, void *arg)
{
        for (size_t i = engine->count; i > 0; i--)
                if (engine->commands[i - 1].info.name != NULL
                    && !visit(arg, &engine->commands[i - 1].info))
                        return;
}

wait_id engine_wait(struct engine *engine, command_id id, const struct wait_spec *spec,
                    wait_done *done, void *arg)
{
        struct fake_wait *wait = xcalloc(1, sizeof *wait);

        wait->id.n = ++engine->last_wait;
        wait->command = id;
        wait->spec = *spec;
        wait->begun_ms = wait->ticked_ms = clock_now_ms();
        wait->done = done;
        wait->arg = arg;
        list_append(&engine->waits, &wait->node);
        return wait->id;
}

void engine_wait_cancel(struct engine *engine, wait_id id)
{
        list_each(at, &engine->waits) {
                struct fake_wait *wait = list_entry(at, struct fake_wait, node);

                if (wait->id.n == id.n) {
                        list_remove(at);
                        free(wait);
                        return;
                }
        }
}

void fake_add_session(struct engine *engine, const struct session_info *info)
{
        engine->sessions[engine->session_count++] = *info;
}

void engine_each_session(const struct engine *engine, session_visit *visit, void *arg)
{
        for (size_t i = 0; i < engine->session_count; i++)
                if (!visit(arg, &engine->sessions[i]))
                        return;
}

bool engine_close_session(struct engine *engine, const struct session_ref *session,
                          unsigned *out_closed, struct err *err)
{
        (void)err;
        note_session(engine, session);
        *out_closed = (unsigned)engine->session_count;
        engine->session_count = 0;
        return true;
}

unsigned engine_close_all(struct engine *engine)
{
        unsigned closed = (unsigned)engine->session_count;

        engine->session_count = 0;
        return closed;
}

void engine_stop(struct engine *engine)
{
        for (size_t i = 0; i < engine->count; i++)
                if (engine->commands[i].info.name != NULL
                    && !command_state_is_final(engine->commands[i].info.state))
                        engine->commands[i].info.state = COMMAND_INTERRUPTED;
}

/* ---- turns ---- */

static bool is_due(const struct engine *engine, const struct fake_wait *wait,
                   enum wait_reason *out_reason)
{
        const struct fake_command *command = find(engine, wait->command);
        int64_t now = clock_now_ms();

        *out_reason = WAIT_GONE;
        if (command == NULL)
                return true;
        int64_t quiet_since = command->changed_ms > wait->begun_ms ? command->changed_ms
                                                                   : wait->begun_ms;
        if (wait->spec.seek != NULL
            && seek_look(wait->spec.seek, command->info.out, NULL) == SEEK_FOUND)
                *out_reason = WAIT_FOUND;
        else if (command_state_is_final(command->info.state))
                *out_reason = WAIT_ENDED;
        else if (wait->spec.until_stopped && command->info.stopping > WIRE_STOPPING_UNDER_WAY)
                *out_reason = WAIT_STOPPING;
        else if (!wait->spec.until_stopped && command->info.state == COMMAND_AWAITING)
                *out_reason = WAIT_AWAITING;
        else if (now >= wait->spec.deadline_ms)
                *out_reason = WAIT_DEADLINE;
        else if (wait->spec.quiet_ms > 0 && now - quiet_since >= wait->spec.quiet_ms)
                *out_reason = WAIT_QUIET;
        else if (wait->spec.tick_ms > 0 && now - wait->ticked_ms >= wait->spec.tick_ms)
                *out_reason = WAIT_TICK;
        else
                return false;
        return true;
}

void fake_turn(struct engine *engine)
{
        struct list_node todo; /* those that are open now; done() may open and cancel others */
        enum wait_reason reason;

        list_init(&todo);
        list_each(at, &engine->waits) {
                struct fake_wait *wait = list_entry(at, struct fake_wait, node);

                if (is_due(engine, wait, &reason)) {
                        list_remove(at);
                        list_append(&todo, at);
                }
        }
        while (!list_is_empty(&todo)) {
                struct fake_wait *wait = list_entry(todo.next, struct fake_wait, node);
                struct fake_wait copied = *wait;

                list_remove(&wait->node);
                (void)is_due(engine, wait, &reason);
                if (reason == WAIT_TICK) {
                        wait->ticked_ms = clock_now_ms();
                        list_append(&engine->waits, &wait->node);
                } else {
                        free(wait);
                }
                copied.done(copied.arg, copied.id, copied.command, reason);
        }
}

unsigned fake_waits(struct engine *engine)
{
        unsigned count = 0;

        list_each(at, &engine->waits)
                count++;
        return count;
}
