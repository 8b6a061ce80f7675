/*
 * The server connects and asks; this end shows each question in the terminal and sends back what
 * is typed. The connection stays with the server.
 */
#include "base/alloc.h"
#include "base/scoped.h"
#include "cli/cli.h"
#include "cli/server_link.h"
#include "cli/terminal.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct login {
        const char *host;
        const char *username; /* NULL: not given */
        const char *key_filename;
        long long port;   /* 0: not given */
        long long server; /* 0: not given */
        bool use_stdin;
        bool is_for_sudo;
};

static const char login_usage[] =
        "usage: mcp-ssh-session login [--username USER] [--port PORT] [--key FILE] [--server PID]\n"
        "                             [--sudo] [--stdin] HOST\n";

/* ---- which server ---- */

static bool choose(const struct login *login, const struct server_link *links, size_t count,
                   size_t *out_at, struct err *err)
{
        size_t refused = 0;
        char pids[200] = "";

        if (count == 0)
                return err_set(err, ERR_NOT_FOUND,
                               "no running mcp-ssh-session server of yours has connected to "
                               "anything yet. It is the MCP client that starts it: let the agent "
                               "run its command on %s first, then run this again.",
                               login->host);
        for (size_t i = 0; i < count; i++) {
                size_t len = strlen(pids);
                (void)snprintf(pids + len, sizeof pids - len, " %lld", (long long)links[i].pid);
                refused += links[i].was_refused_there;
        }
        for (size_t i = 0; i < count; i++)
                if (login->server != 0
                            ? links[i].pid == login->server
                            : count == 1 || (refused == 1 && links[i].was_refused_there)) {
                        *out_at = i;
                        return true;
                }
        if (login->server != 0)
                return err_set(err, ERR_NOT_FOUND, "there is no server %lld; there are:%s",
                               login->server, pids);
        return err_set(err, ERR_INPUT, "%zu servers run; say which with --server:%s", count, pids);
}

/* ---- the talk ---- */

static bool send_login(const struct login *login, struct server_link *link, struct err *err)
{
        scoped_buf struct buf message;
        const struct control_login asked = {
                .host = str_of(login->host),
                .username = str_of(login->username != NULL ? login->username : ""),
                .key_filename = str_of(login->key_filename != NULL ? login->key_filename : ""),
                .port = (uint32_t)login->port,
                .is_for_sudo = login->is_for_sudo,
        };

        buf_init(&message, CONTROL_MESSAGE_MAX);
        return (control_write_login(&message, &asked)
                || err_set(err, ERR_INPUT, "the name of the host is too long"))
               && server_link_send(link, &message, err);
}

static bool send_answer(struct server_link *link, uint64_t number, const struct secret *answer,
                        struct err *err)
{
        scoped_buf struct buf message;
        const struct control_answer said = {
                .is_answered = answer != NULL,
                .answer = { answer != NULL ? secret_bytes(answer) : "",
                            answer != NULL ? secret_len(answer) : 0 },
        };

        buf_init(&message, CONTROL_MESSAGE_MAX);
        bool ok = buf_reserve(&message, CONTROL_ANSWER_MAX + 2 * WIRE_HEADER_LEN)
                  && control_write_answer(&message, number, &said);
        ok = ok ? server_link_send(link, &message, err)
                : err_set(err, ERR_INPUT, "the answer is too long");
        if (message.data != NULL)
                secret_wipe(message.data, message.len);
        return ok;
}

/* False: it is over. A question that was taken back leaves it to the next frame to say why. */
static bool answer_prompt(struct server_link *link, const struct frame *frame,
                          const struct terminal *terminal, struct err *err)
{
        struct control_prompt prompt;
        struct secret *answer = NULL;
        uint64_t number = frame->id;
        struct err ignored;

        if (!control_read_prompt(frame, &prompt))
                return err_set(err, ERR_PROTOCOL, "the server talks nonsense");
        scoped_free char *question = xstrndup(prompt.text.ptr, prompt.text.len);
        scoped_free char *instruction = xstrndup(prompt.instruction.ptr, prompt.instruction.len);
        if (instruction[0] != 0) {
                terminal_write(terminal, instruction);
                terminal_write(terminal, "\n");
        }
        bool is_typed =
                terminal_ask(terminal, question, prompt.is_echoed != 0, link->fd, &answer, err);
        if (!is_typed && err->code == ERR_STATE)
                return true;
        if (!is_typed) {
                (void)send_answer(link, number, NULL, &ignored);
                return false;
        }
        bool ok = send_answer(link, number, answer, err);
        secret_free(answer);
        return ok;
}

static bool take_end(const struct frame *frame, struct err *err)
{
        struct str text;

        if (!control_read_end(frame, &text))
                return err_set(err, ERR_PROTOCOL, "the server talks nonsense");
        if (frame->kind == CONTROL_FAILED)
                return err_set(err, ERR_AUTH, "%.*s", (int)text.len, text.ptr);
        (void)printf("%.*s; the server can use this connection now\n", (int)text.len, text.ptr);
        return true;
}

static bool talk(const struct login *login, struct server_link *link,
                 const struct terminal *terminal, struct err *err)
{
        struct frame frame;

        if (!send_login(login, link, err))
                return false;
        while (server_link_receive(link, &frame, err)) {
                switch (frame.kind) {
                case CONTROL_PROMPT:
                        if (!answer_prompt(link, &frame, terminal, err))
                                return false;
                        break;
                case CONTROL_DONE:
                case CONTROL_FAILED: return take_end(&frame, err);
                default: /* a number from outside, not our enum */
                        return err_set(err, ERR_PROTOCOL, "the server talks nonsense");
                }
        }
        return false;
}

/* ---- arguments ---- */

static bool read_number(const char *text, long long max, long long *out)
{
        return str_number(str_of(text), out) && *out > 0 && *out <= max;
}

static bool read_arguments(struct login *login, int argc, char **argv)
{
        static const struct option names[] = {
                { "username", required_argument, NULL, 'u' },
                { "port", required_argument, NULL, 'p' },
                { "key", required_argument, NULL, 'k' },
                { "server", required_argument, NULL, 's' },
                { "stdin", no_argument, NULL, 'i' },
                { "sudo", no_argument, NULL, 'S' },
                { 0 },
        };
        bool is_good = true;
        int name;

        optind = 0; /* main() has read its own options; argv[0] is "login" */
        while ((name = getopt_long(argc, argv, "u:p:k:s:i", names, NULL)) != -1) {
                switch (name) {
                case 'u': login->username = optarg; break;
                case 'p': is_good = read_number(optarg, UINT16_MAX, &login->port) && is_good; break;
                case 'k': login->key_filename = optarg; break;
                case 's':
                        is_good = read_number(optarg, INT32_MAX, &login->server) && is_good;
                        break;
                case 'i': login->use_stdin = true; break;
                case 'S': login->is_for_sudo = true; break;
                default: is_good = false; break;
                }
        }
        login->host = optind < argc ? argv[optind] : NULL;
        return is_good && optind == argc - 1 && argv[optind][0] != 0;
}

static bool log_in(const struct login *login, struct err *err)
{
        struct server_link links[SERVERS_MAX];
        struct terminal terminal = { 0 };
        size_t at = 0;

        if (!terminal_open(&terminal, login->use_stdin, err))
                return false;
        size_t count = server_links_find(links, login->host);
        bool ok = choose(login, links, count, &at, err) && talk(login, &links[at], &terminal, err);
        for (size_t i = 0; i < count; i++)
                server_link_close(&links[i]);
        terminal_close(&terminal);
        return ok;
}

int cli_login(const struct cli_options *options, int argc, char **argv)
{
        struct login login = { 0 };
        struct err err = { 0 };

        (void)close(options->engine.zygote_fd); /* it makes no connection of its own */
        if (!read_arguments(&login, argc + 1, argv - 1)) {
                (void)fputs(login_usage, stderr);
                return 2;
        }
        if (log_in(&login, &err))
                return EXIT_SUCCESS;
        (void)fprintf(stderr, "mcp-ssh-session: %s\n", err.text);
        return EXIT_FAILURE;
}
