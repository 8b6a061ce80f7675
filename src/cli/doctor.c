/*
 * Three parts: what is here (versions, agent), the way to the host, step by step as the
 * connection's watch hears of it, and what answers there (shell, probe, how long a command takes).
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/scoped.h"
#include "cli/advice.h"
#include "cli/own_engine.h"
#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND_MS   30000 /* for a command that does nothing; a shell may take long to start */
#define ADVICE_MAX   1024  /* characters */
#define WARM_RUNS    5

struct doctor {
        struct report report;
        struct own_engine own;
        const char *host;
        bool is_over; /* the connection stands, or it failed */
        bool command_is_over;
};

static void add_fact(struct doctor *doctor, const char *name, const char *text)
{
        report_add(&doctor->report, REPORT_FACT, name, text);
}

/* ---- what is here ---- */

/* Where a program is in PATH; NULL: nowhere. Yours, free(). */
static char *find_program(const char *name)
{
        const char *path = getenv("PATH");

        for (const char *at = path != NULL ? path : ""; *at != 0;) {
                size_t len = strcspn(at, ":");
                scoped_free char *file = xasprintf("%.*s/%s", (int)len, at, name);
                struct stat is;
                if (stat(file, &is) == 0 && S_ISREG(is.st_mode) && access(file, X_OK) == 0)
                        return xstrdup(file);
                at += len + (at[len] == ':');
        }
        return NULL;
}

static void tell_what_is_here(struct doctor *doctor, const struct cli_options *options)
{
        const struct config_source *config = &options->engine.ssh_config;
        char program[4096] = "";
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        scoped_free char *ssh = find_program("ssh");
        scoped_free char *agent = engine_agent_path(doctor->own.engine);

        add_fact(doctor, "version", "mcp-ssh-session " PROGRAM_VERSION);
        if (n > 0)
                add_fact(doctor, "program", program);
        add_fact(doctor, "libraries", options->libraries);
        add_fact(doctor, "ssh", ssh != NULL ? ssh : "none in PATH: ssh_config is read without it");
        add_fact(doctor, "ssh_config",
                 config->file != NULL ? config->file : "the user's own");
        for (unsigned i = 0; i < config->option_count; i++)
                add_fact(doctor, "ssh option", config->options[i]);
        add_fact(doctor, "agent",
                 agent != NULL ? agent : "none found: SSH_AUTH_SOCK is not set, or nobody listens");
}

/* ---- the way to the host ---- */

static void on_step(void *arg, enum connect_step step, const char *text)
{
        struct doctor *doctor = arg;
        const char *sandbox = engine_sandbox(doctor->own.engine);

        if (step == CONNECT_STEP_BANNER && sandbox != NULL)
                add_fact(doctor, "sandbox", sandbox[0] != 0 ? sandbox : "none on this system");
        report_add(&doctor->report, REPORT_OK, connect_step_name(step), text);
        doctor->is_over = step == CONNECT_STEP_LOG_IN;
}

static void on_attempt(void *arg, const char *text)
{
        struct doctor *doctor = arg;

        report_add(&doctor->report, REPORT_TRIED, "tried", text);
}

static void on_failure(void *arg, enum connect_step step, const struct err *why)
{
        struct doctor *doctor = arg;
        scoped_buf struct buf advice;

        buf_init(&advice, ADVICE_MAX);
        advice_write(&advice, step, why, doctor->host);
        report_add(&doctor->report, REPORT_FAILED, connect_step_name(step), why->text);
        report_advise(&doctor->report, (const char *)advice.data);
        doctor->is_over = true;
}

static bool reach(struct doctor *doctor, struct err *err)
{
        const struct connection_watch watch = { .on_step = on_step,
                                                .on_attempt = on_attempt,
                                                .on_failure = on_failure,
                                                .arg = doctor };
        const struct session_ref session = { .host = doctor->host };
        bool is_ready;
        uint64_t id;

        if (!engine_connect(doctor->own.engine, &session, &watch, &id, &is_ready, err))
                return false;
        while (!doctor->is_over && uv_run(&doctor->own.loop, UV_RUN_ONCE) != 0)
                continue;
        engine_unwatch(doctor->own.engine, id);
        return true;
}

/* ---- what answers there ---- */

static void on_command_end(void *arg, wait_id wait, command_id id, enum wait_reason reason)
{
        struct doctor *doctor = arg;

        (void)wait;
        (void)id;
        doctor->command_is_over = reason != WAIT_TICK;
}

/* Runs a command that does nothing, as the model's commands are run; false: it did not end well. */
static bool run_nothing(struct doctor *doctor, bool isolated, char **out_why)
{
        const struct wait_spec spec = { .deadline_ms = clock_now_ms() + COMMAND_MS };
        struct run_request request = { .session = { .host = doctor->host },
                                       .text = "true",
                                       .text_len = 4,
                                       .isolated = isolated };
        struct command_info info;
        command_id id;
        command_id busy;
        struct err err = { 0 };

        if (!engine_run(doctor->own.engine, &request, &id, &busy, &err)) {
                *out_why = xstrdup(err.text);
                return false;
        }
        doctor->command_is_over = false;
        (void)engine_wait(doctor->own.engine, id, &spec, on_command_end, doctor);
        while (!doctor->command_is_over && uv_run(&doctor->own.loop, UV_RUN_ONCE) != 0)
                continue;
        if (engine_info(doctor->own.engine, id, &info) && info.state == COMMAND_DONE
            && info.exit_status == 0)
                return true;
        *out_why = info.error.text[0] != 0
                           ? xstrdup(info.error.text)
                           : xasprintf("`true` was not done within %d s (it is %s)",
                                       COMMAND_MS / 1000, command_state_name(info.state));
        return false;
}

struct shell_facts {
        char *program;
        bool is_watched;
};

static bool note_shell(void *arg, const struct session_info *info)
{
        struct shell_facts *facts = arg;

        if (!info->is_shell)
                return true;
        facts->program = xstrdup(info->shell);
        facts->is_watched = info->is_watched;
        return false;
}

static void tell_probe(struct doctor *doctor, const struct shell_facts *facts)
{
        if (facts->is_watched)
                report_add(&doctor->report, REPORT_OK, "probe",
                           "the host's kernel tells when a command waits for input");
        else
                report_add(&doctor->report, REPORT_TRIED, "probe",
                           "the host gives no side channel or no /proc: a command that waits for "
                           "input will only be seen as running");
}

static bool tell_shell(struct doctor *doctor)
{
        struct shell_facts facts = { 0 };
        scoped_free char *why = NULL;

        if (!run_nothing(doctor, /* isolated= */ false, &why)) {
                report_add(&doctor->report, REPORT_FAILED, "shell", why);
                scoped_free char *advice = xasprintf(
                        "The log-in works but the login shell takes no commands: look at what `ssh "
                        "%s` shows in a terminal. isolated: true may do without it.",
                        doctor->host);
                report_advise(&doctor->report, advice);
                return false;
        }
        engine_each_session(doctor->own.engine, note_shell, &facts);
        report_add(&doctor->report, REPORT_OK, "shell",
                   facts.program != NULL ? facts.program : "of an unknown kind");
        tell_probe(doctor, &facts);
        free(facts.program);
        return true;
}

static void tell_speed(struct doctor *doctor)
{
        for (int i = 0; i < WARM_RUNS; i++) {
                scoped_free char *why = NULL;
                if (run_nothing(doctor, /* isolated= */ false, &why))
                        continue;
                report_add(&doctor->report, REPORT_FAILED, "commands", why);
                report_advise(&doctor->report, "Try again; if it stays so, please report it.");
                return;
        }
        scoped_free char *text = xasprintf("%d in the same shell, one after another", WARM_RUNS);
        report_add(&doctor->report, REPORT_OK, "commands", text);
}

static void tell_isolated(struct doctor *doctor)
{
        scoped_free char *why = NULL;

        if (run_nothing(doctor, /* isolated= */ true, &why))
                report_add(&doctor->report, REPORT_OK, "isolated", "a command outside the shell");
        else
                report_add(&doctor->report, REPORT_TRIED, "isolated", why);
}

/* ---- all of it ---- */

static bool examine(struct doctor *doctor, const struct cli_options *options, struct err *err)
{
        if (!own_engine_init(&doctor->own, options, err))
                return false;
        tell_what_is_here(doctor, options);
        if (doctor->host == NULL)
                return true;
        doctor->report.began_ms = clock_now_ms();
        if (!reach(doctor, err))
                return false;
        if (!doctor->report.has_failed && tell_shell(doctor)) {
                tell_speed(doctor);
                tell_isolated(doctor);
        }
        return true;
}

static int usage(void)
{
        (void)fprintf(stderr, "usage: mcp-ssh-session doctor [--json] [HOST]\n");
        return 2;
}

int cli_doctor(const struct cli_options *options, int argc, char **argv)
{
        bool is_json = argc > 0 && strcmp(argv[0], "--json") == 0;
        struct doctor doctor = { .host = NULL };
        struct err err = { 0 };

        argc -= is_json;
        argv += is_json;
        if (argc > 1 || (argc == 1 && argv[0][0] == '-'))
                return usage();
        doctor.host = argc == 1 ? argv[0] : NULL;
        report_init(&doctor.report, is_json);
        bool ok = examine(&doctor, options, &err);
        if (!ok) {
                report_add(&doctor.report, REPORT_FAILED, "arguments", err.text);
                report_advise(&doctor.report, "Give the host as the model would: a name, an alias "
                                              "of ~/.ssh/config, user@host or user@host:port.");
        }
        own_engine_fini(&doctor.own);
        ok = report_finish(&doctor.report) && ok && !doctor.report.has_failed;
        report_fini(&doctor.report);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
