/*
 * floor.c - the least that a libssh client can do: what is left above it is ours.
 *
 * floor HOST PORT USER KEY KNOWN_HOSTS connects, opens the login shell on a terminal and takes
 * orders; one argument more is an order by itself, done at once.
 *
 *      first         -> connect, open a shell, run `true`, hang up; this, all of it
 *      true N        -> N times: typed into the shell until its mark is back
 *      padded N LEN  -> the same with a typed line of LEN bytes: line editors charge by the byte
 *      exec N        -> N times: on a channel of its own until that is closed
 *      output FILE   -> `cat FILE` in the shell, until its mark is back; bytes that came
 *
 * Blocking libssh with its own defaults (ciphers too) and TCP_NODELAY: one read, one write, a
 * search for the mark. The mark's halves are typed apart, so that the echo is not taken for it.
 */
#include "orders.h"

#include "base/alloc.h"

#include <libssh/libssh.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_PIECE (128 * 1024)
#define MARK       "\033]7719;floor-mark\a"
#define PRINT_MARK "printf '\\033]7719;%s%s\\a' floor -mark\r"

struct connection {
        ssh_session ssh;
        ssh_channel shell;
};

struct place {
        const char *host, *port, *user, *key, *known_hosts;
};

static void option(ssh_session ssh, enum ssh_options_e name, const void *value)
{
        if (ssh_options_set(ssh, name, value) != 0)
                die("floor: SSH option %d: %s", (int)name, ssh_get_error(ssh));
}

static void authenticate(ssh_session ssh, const char *key_path)
{
        ssh_key key = NULL;

        if (ssh_session_is_known_server(ssh) != SSH_KNOWN_HOSTS_OK)
                die("floor: the host key is not the known one");
        if (ssh_pki_import_privkey_file(key_path, NULL, NULL, NULL, &key) != SSH_OK
            || ssh_userauth_publickey(ssh, NULL, key) != SSH_AUTH_SUCCESS)
                die("floor: cannot log in with %s: %s", key_path, ssh_get_error(ssh));
        ssh_key_free(key);
}

static void open_shell(struct connection *connection)
{
        connection->shell = ssh_channel_new(connection->ssh);
        if (connection->shell == NULL || ssh_channel_open_session(connection->shell) != SSH_OK
            || ssh_channel_request_pty_size(connection->shell, "xterm-256color", 120, 40) != SSH_OK
            || ssh_channel_request_shell(connection->shell) != SSH_OK)
                die("floor: no shell: %s", ssh_get_error(connection->ssh));
}

static void connection_open(struct connection *connection, const struct place *place)
{
        bool no_config = false;
        int yes = 1;
        unsigned port = (unsigned)strtoul(place->port, NULL, 10);
        ssh_session ssh = ssh_new();

        if (ssh == NULL)
                die("floor: no memory");
        option(ssh, SSH_OPTIONS_PROCESS_CONFIG, &no_config);
        option(ssh, SSH_OPTIONS_HOST, place->host);
        option(ssh, SSH_OPTIONS_PORT, &port);
        option(ssh, SSH_OPTIONS_USER, place->user);
        option(ssh, SSH_OPTIONS_KNOWNHOSTS, place->known_hosts);
        option(ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
        option(ssh, SSH_OPTIONS_NODELAY, &yes);
        if (ssh_connect(ssh) != SSH_OK)
                die("floor: %s", ssh_get_error(ssh));
        authenticate(ssh, place->key);
        connection->ssh = ssh;
        open_shell(connection);
}

static void connection_close(struct connection *connection)
{
        ssh_channel_free(connection->shell);
        ssh_disconnect(connection->ssh);
        ssh_free(connection->ssh);
}

/* Types the command and reads until its mark; the bytes that came before it. */
static int64_t type(struct connection *connection, const char *command)
{
        static char bytes[sizeof MARK + READ_PIECE];
        const size_t mark_len = sizeof MARK - 1;
        char *line = xasprintf("%s; %s", command, PRINT_MARK);
        int64_t total = 0;
        size_t kept = 0; /* the end of what came before: the mark may be cut in two */

        if (ssh_channel_write(connection->shell, line, (uint32_t)strlen(line)) != (int)strlen(line))
                die("floor: cannot write: %s", ssh_get_error(connection->ssh));
        free(line);
        for (;;) {
                int n = ssh_channel_read(connection->shell, bytes + kept, READ_PIECE, 0);
                if (n <= 0)
                        die("floor: the shell ended: %s", ssh_get_error(connection->ssh));
                total += n;
                kept += (size_t)n;
                if (memmem(bytes, kept, MARK, mark_len) != NULL)
                        return total;
                if (kept >= mark_len) {
                        memmove(bytes, bytes + kept - (mark_len - 1), mark_len - 1);
                        kept = mark_len - 1;
                }
        }
}

static void exec_true(struct connection *connection)
{
        char bytes[256];
        ssh_channel channel = ssh_channel_new(connection->ssh);

        if (channel == NULL || ssh_channel_open_session(channel) != SSH_OK
            || ssh_channel_request_exec(channel, "true") != SSH_OK)
                die("floor: no channel: %s", ssh_get_error(connection->ssh));
        while (ssh_channel_read(channel, bytes, sizeof bytes, 0) > 0)
                ;
        if (ssh_channel_get_exit_status(channel) != 0)
                die("floor: true did not end with 0");
        ssh_channel_free(channel);
}

static void measure_first(const struct place *place)
{
        struct connection connection = { 0 };
        int64_t start_us = now_us();

        connection_open(&connection, place);
        (void)type(&connection, "true");
        answer_number(now_us() - start_us);
        connection_close(&connection);
}

static void measure_exec(struct connection *connection, int64_t times)
{
        for (int64_t i = 0; i < times; i++) {
                int64_t start_us = now_us();
                exec_true(connection);
                answer_number(now_us() - start_us);
        }
}

static void measure_typed(struct connection *connection, int64_t times, int64_t line_len)
{
        int64_t len = line_len - (int64_t)strlen("; " PRINT_MARK);
        char *command = xasprintf("%-*s", len > 0 ? (int)len : 0, "true");

        for (int64_t i = 0; i < times; i++) {
                int64_t start_us = now_us();
                (void)type(connection, command);
                answer_number(now_us() - start_us);
        }
        free(command);
}

static void measure_output(struct connection *connection, const char *file)
{
        char *command = xasprintf("cat %s", file);
        int64_t start_us = now_us();
        int64_t bytes = type(connection, command);

        answer_number(now_us() - start_us);
        answer_number(bytes);
        free(command);
}

static void serve(struct connection *connection, const struct place *place)
{
        struct order order;

        while (orders_next(&order)) {
                if (order_is(&order, "first", 0))
                        measure_first(place);
                else if (order_is(&order, "true", 1))
                        measure_typed(connection, order_number(&order, 1), 0);
                else if (order_is(&order, "padded", 2))
                        measure_typed(connection, order_number(&order, 1), order_number(&order, 2));
                else if (order_is(&order, "exec", 1))
                        measure_exec(connection, order_number(&order, 1));
                else if (order_is(&order, "output", 1))
                        measure_output(connection, order.words[1]);
                else
                        die("floor: \"%s\" is not understood", order.words[0]);
                answer_done();
        }
}

int main(int argc, char **argv)
{
        struct connection connection = { 0 };

        if (argc != 6 && argc != 7) {
                (void)fprintf(stderr, "usage: floor HOST PORT USER KEY KNOWN_HOSTS [first]\n");
                return 2;
        }
        struct place place = { argv[1], argv[2], argv[3], argv[4], argv[5] };
        if (argc == 7) {
                measure_first(&place);
                answer_done();
                return EXIT_SUCCESS;
        }
        connection_open(&connection, &place);
        (void)type(&connection, "true"); /* the shell is there */
        serve(&connection, &place);
        connection_close(&connection);
        return EXIT_SUCCESS;
}
