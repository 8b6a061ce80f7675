/*
 * main.c - the map: every object in the order in which it is made, freed in mirror order.
 *
 * Process: supervisor; the zygote is forked before anything else exists.
 */
#include "base/log.h"
#include "cli/cli.h"
#include "control/control.h"
#include "mcp/server.h"
#include "session/engine.h"
#include "transport/stdio.h"
#include "worker/zygote.h"

#include <getopt.h>
#include <jansson.h>
#include <libssh/libssh.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define STOP_SIGNALS  3
#define LIBRARIES_MAX 256 /* characters */

static const int stop_signals[STOP_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

struct subcommand;

struct options {
        struct engine_config engine;
        enum inline_secrets inline_secrets;
        const struct subcommand *subcommand; /* NULL: serve MCP */
};

struct app {
        struct engine *engine;
        struct control *control;
        struct mcp *mcp;
        struct mcp_client *client;
        struct stdio *stdio;
        uv_signal_t signals[STOP_SIGNALS];
        bool stopping;
};

static const char usage[] =
        "usage: mcp-ssh-session [options] [mcp]\n"
        "       mcp-ssh-session [options] doctor [--json] [HOST]\n"
        "       mcp-ssh-session [options] trust [--fingerprint SHA256:...] HOST\n"
        "       mcp-ssh-session [options] login [--username USER] [--port PORT] [--key FILE]\n"
        "                       [--server PID] [--stdin] HOST\n"
        "\n"
        "Serves the Model Context Protocol on standard input and output: persistent SSH\n"
        "sessions for AI agents. Meant to be started by an MCP client. doctor shows, step by\n"
        "step, how a host is reached, and at the failing step what mends it. trust shows the key\n"
        "of a host and adds it to known_hosts after a yes, or if it has that fingerprint. login\n"
        "connects the running server to a host that asks for a password, a passphrase or a code,\n"
        "and asks you.\n"
        "\n"
        "  --ssh-config FILE   read FILE as `ssh -F FILE` would (environment: MCP_SSH_CONFIG_FILE)\n"
        "  --ssh-option OPTION Keyword=value, as `ssh -o` takes it; may be given several times\n"
        "  --inline-secrets allow|deny\n"
        "                      whether tool calls may carry passwords (default allow; environment:\n"
        "                      MCP_SSH_INLINE_SECRETS)\n"
        "  --log-level LEVEL   error, warn, info, debug or trace, on standard error\n"
        "                      (environment: MCP_SSH_LOG_LEVEL; default warn)\n"
        "  --host-key-policy POLICY\n"
        "                      strict or accept-new, whatever ssh_config says\n"
        "                      (environment: MCP_SSH_HOST_KEY_POLICY)\n"
        "  --pty-size COLSxROWS\n"
        "                      size of the terminals (default 200x50; environment:\n"
        "                      MCP_SSH_PTY_SIZE)\n"
        "  --version           print the version and exit\n"
        "  --help              print this and exit\n";

/* ---- how it ends: the client closes its side, or a signal asks for it; both lead here ---- */

static void stop(struct app *app)
{
        if (app->stopping)
                return;
        app->stopping = true;
        engine_stop(app->engine);
        control_stop(app->control);
        stdio_stop(app->stdio);
        for (int i = 0; i < STOP_SIGNALS; i++)
                uv_close((uv_handle_t *)&app->signals[i], NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
        log_info("stopping: signal %d", number);
        stop(handle->data);
}

static void on_line(void *arg, const char *bytes, size_t len)
{
        struct app *app = arg;

        mcp_client_on_line(app->client, bytes, len);
}

static void on_too_long(void *arg)
{
        struct app *app = arg;

        mcp_client_on_too_long(app->client);
}

static void on_connecting(void *arg)
{
        struct app *app = arg;

        control_open(app->control);
}

static void on_eof(void *arg)
{
        stop(arg);
}

static void send_line(void *arg, const char *line, size_t len)
{
        struct app *app = arg;

        (void)stdio_send(app->stdio, line, len); /* a client that is gone is one on_eof() */
}

static bool redact_log(void *arg, struct str text, struct buf *out)
{
        return engine_redact(arg, text, out);
}

static bool watch_signals(struct app *app, uv_loop_t *loop)
{
        for (int i = 0; i < STOP_SIGNALS; i++) {
                app->signals[i].data = app;
                if (uv_signal_init(loop, &app->signals[i]) != 0
                    || uv_signal_start(&app->signals[i], on_signal, stop_signals[i]) != 0)
                        return false;
        }
        return true;
}

static int serve(const struct options *options)
{
        static const struct stdio_callbacks callbacks = { on_line, on_too_long, on_eof };
        struct app app = { 0 };
        struct engine_config config = options->engine;
        struct mcp_peer peer = { send_line, &app };
        struct err err = { 0 };
        uv_loop_t loop;
        int status = EXIT_FAILURE;

        if (uv_loop_init(&loop) != 0)
                bug("no event loop");
        config.on_connecting = on_connecting;
        config.arg = &app;
        if (!engine_new(&app.engine, &loop, &config, &err))
                goto out;
        log_set_filter(redact_log, app.engine);
        if (!mcp_new(&app.mcp, app.engine, options->inline_secrets, &err)
            || !stdio_new(&app.stdio, &loop, &callbacks, &app, &err))
                goto out;
        app.control = control_new(&loop, app.engine);
        app.client = mcp_client_new(app.mcp, &peer);
        if (!watch_signals(&app, &loop)) {
                (void)err_set(&err, ERR_SYSTEM, "cannot watch for signals");
                goto out;
        }
        (void)uv_run(&loop, UV_RUN_DEFAULT); /* returns when stop() has let every handle go */
        status = EXIT_SUCCESS;
out:
        if (status != EXIT_SUCCESS)
                log_error("%s", err.text);
        stdio_free(app.stdio);
        mcp_client_free(app.client);
        mcp_free(app.mcp);
        control_free(app.control);
        log_set_filter(NULL, NULL);
        engine_free(app.engine);
        (void)uv_loop_close(&loop); /* after a failed start handles may be left; the process ends */
        return status;
}

/* ---- options ---- */

static bool set_log_level(const char *name)
{
        int level = log_level_parse(name);

        if (level < 0) {
                (void)fprintf(stderr, "mcp-ssh-session: no log level \"%s\"; there are error, warn, "
                                      "info, debug and trace\n", name);
                return false;
        }
        log_set_level((enum log_level)level);
        return true;
}

static bool set_host_key_policy(struct options *options, const char *name)
{
        if (!engine_knows_host_key_policy(name)) {
                (void)fprintf(stderr, "mcp-ssh-session: no host key policy \"%s\"; there are strict "
                                      "and accept-new\n", name);
                return false;
        }
        options->engine.host_key_policy = name;
        return true;
}

static bool set_pty_size(struct options *options, const char *text)
{
        uint32_t columns;
        uint32_t rows;

        if (!wire_parse_screen_size(text, &columns, &rows)) {
                (void)fprintf(stderr, "mcp-ssh-session: the size of a terminal is COLUMNSxROWS, such "
                                      "as 200x50: at least %dx%d, at most %d each way and %d "
                                      "characters together; not \"%s\"\n",
                              WIRE_SCREEN_COLUMNS_MIN, WIRE_SCREEN_ROWS_MIN, WIRE_SCREEN_SIDE_MAX,
                              WIRE_SCREEN_CELLS_MAX, text);
                return false;
        }
        options->engine.columns = columns;
        options->engine.rows = rows;
        return true;
}

static bool set_inline_secrets(const char *policy, struct options *options)
{
        bool is_denied = strcmp(policy, "deny") == 0;

        if (!is_denied && strcmp(policy, "allow") != 0) {
                (void)fprintf(stderr, "mcp-ssh-session: inline secrets are \"allow\" or \"deny\", not "
                                      "\"%s\"\n", policy);
                return false;
        }
        options->inline_secrets = is_denied ? INLINE_SECRETS_DENIED : INLINE_SECRETS_ALLOWED;
        return true;
}

static bool read_environment(struct options *options)
{
        const char *ssh_config = getenv("MCP_SSH_CONFIG_FILE");
        const char *level = getenv("MCP_SSH_LOG_LEVEL");
        const char *policy = getenv("MCP_SSH_HOST_KEY_POLICY");

        if (ssh_config != NULL && ssh_config[0] != 0)
                options->engine.ssh_config.file = ssh_config;
        if (policy != NULL && policy[0] != 0 && !set_host_key_policy(options, policy))
                return false;
        const char *size = getenv("MCP_SSH_PTY_SIZE");
        if (size != NULL && size[0] != 0 && !set_pty_size(options, size))
                return false;
        const char *inline_secrets = getenv("MCP_SSH_INLINE_SECRETS");
        if (inline_secrets != NULL && inline_secrets[0] != 0
            && !set_inline_secrets(inline_secrets, options))
                return false;
        return level == NULL || level[0] == 0 || set_log_level(level);
}

/* ---- subcommands ---- */

struct subcommand {
        const char *name;
        int (*run)(const struct cli_options *options, int argc, char **argv);
};

static const struct subcommand subcommands[] = {
        { "doctor", cli_doctor },
        { "trust", cli_trust },
        { "login", cli_login },
};

static const struct subcommand *find_subcommand(const char *name)
{
        for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
                if (strcmp(subcommands[i].name, name) == 0)
                        return &subcommands[i];
        return NULL;
}

/* "Keyword=value" or "Keyword value", as ssh -o has it. */
static bool add_ssh_option(struct config_source *config, char *option)
{
        bool is_plain = option[0] != 0;

        for (const char *at = option; *at != 0; at++)
                is_plain = is_plain && (unsigned char)*at >= 0x20 && *at != 0x7F;
        if (!is_plain || config->option_count == CONFIG_OPTIONS_MAX) {
                (void)fprintf(stderr, "mcp-ssh-session: --ssh-option \"%s\": %s\n", option,
                              is_plain ? "there are too many of them" : "give Keyword=value");
                return false;
        }
        config->options[config->option_count++] = option;
        return true;
}

/* Both return -1 to go on, else the exit status. */
static int read_flags(int argc, char **argv, struct options *options)
{
        static const struct option names[] = {
                { "ssh-config", required_argument, NULL, 'F' },
                { "ssh-option", required_argument, NULL, 'o' },
                { "inline-secrets", required_argument, NULL, 'i' },
                { "log-level", required_argument, NULL, 'l' },
                { "host-key-policy", required_argument, NULL, 'k' },
                { "pty-size", required_argument, NULL, 's' },
                { "version", no_argument, NULL, 'V' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        int name;

        /* "+": what follows a subcommand is the subcommand's */
        while ((name = getopt_long(argc, argv, "+F:o:hV", names, NULL)) != -1) {
                switch (name) {
                case 'F': options->engine.ssh_config.file = optarg; break;
                case 'i':
                        if (!set_inline_secrets(optarg, options))
                                return 2;
                        break;
                case 'o':
                        if (!add_ssh_option(&options->engine.ssh_config, optarg))
                                return 2;
                        break;
                case 'l':
                        if (!set_log_level(optarg))
                                return 2;
                        break;
                case 'k':
                        if (!set_host_key_policy(options, optarg))
                                return 2;
                        break;
                case 's':
                        if (!set_pty_size(options, optarg))
                                return 2;
                        break;
                case 'V': return puts("mcp-ssh-session " PROGRAM_VERSION) < 0;
                case 'h': return fputs(usage, stdout) < 0;
                default:  return 2;
                }
        }
        return -1;
}

static int read_options(int argc, char **argv, struct options *options)
{
        int status = read_flags(argc, argv, options);

        if (status == -1 && optind < argc && strcmp(argv[optind], "mcp") == 0) {
                optind++;
                status = read_flags(argc, argv, options);
        }
        if (status != -1 || optind == argc)
                return status;
        options->subcommand = find_subcommand(argv[optind]);
        if (options->subcommand != NULL)
                return -1;
        (void)fprintf(stderr, "mcp-ssh-session: \"%s\" is not understood\n%s", argv[optind], usage);
        return 2;
}

int main(int argc, char **argv)
{
        struct options options = { 0 };
        struct err err = { 0 };

        if (!read_environment(&options))
                return 2;
        int status = read_options(argc, argv, &options);
        if (status >= 0)
                return status;
        if (!zygote_start(&options.engine.zygote_fd, &err)) {
                log_error("%s", err.text);
                return EXIT_FAILURE;
        }
        if (options.subcommand == NULL)
                return serve(&options);
        char libraries[LIBRARIES_MAX];
        (void)snprintf(libraries, sizeof libraries, "libssh %s, libuv %s, jansson %s",
                       ssh_version(0), uv_version_string(),
                       JANSSON_VERSION); /* cut: it is for people */
        const struct cli_options cli = { options.engine, libraries };
        return options.subcommand->run(&cli, argc - optind - 1, argv + optind + 1);
}
