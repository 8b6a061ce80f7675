/*
 * Connects up to the host's key through the same engine as everything else, so that jump hosts,
 * files and names are those of the tools. The connection waits there while the person compares
 * fingerprints, and is closed after it: nothing logs in.
 */
#include "base/str.h"
#include "cli/own_engine.h"
#include "cli/terminal.h"
#include "session/host_key/fingerprints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MAX 5   /* times until nothing is taken as no */
#define SHOWN_MAX 320 /* characters of "[host]:port" */

struct trust {
        const char *wanted; /* --fingerprint; NULL: ask */
        struct terminal terminal;
        char fingerprint[64];
        char host[SHOWN_MAX];
        char add_to[4096 + 1];
        bool is_shown;
        bool is_known;
        bool has_failed;
        struct err why;
};

static void print_lines(const char *before, const char *lines)
{
        struct str rest = str_of(lines);
        struct str line;

        while (str_line(&rest, &line))
                (void)printf("%s%.*s\n", before, (int)line.len, line.ptr);
}

static void on_host_key(void *arg, const struct host_key_shown *shown)
{
        struct trust *trust = arg;

        (void)printf("host         %s\n", shown->host);
        if (shown->address[0] != 0)
                (void)printf("address      %s\n", shown->address);
        (void)printf("key          %s\nfingerprint  %s\n", shown->type, shown->fingerprint);
        if (shown->others[0] != 0) {
                (void)printf("This key is known by other names, too:\n");
                print_lines("    ", shown->others);
        } else {
                (void)printf("This key is not known by any other names.\n");
        }
        if (shown->known_by != NULL)
                (void)printf("This key is known already, by %s: there is nothing to do.\n",
                             shown->known_by);
        else
                (void)printf("It would be added to %s.\n", shown->add_to);
        (void)snprintf(trust->fingerprint, sizeof trust->fingerprint, "%s", shown->fingerprint);
        (void)snprintf(trust->host, sizeof trust->host, "%s", shown->host);
        (void)snprintf(trust->add_to, sizeof trust->add_to, "%s",
                       shown->add_to != NULL ? shown->add_to : "");
        trust->is_known = shown->known_by != NULL;
        trust->is_shown = true;
}

static void on_step(void *arg, enum connect_step step, const char *text)
{
        (void)arg; /* only the key is of interest */
        (void)step;
        (void)text;
}

static void on_failure(void *arg, enum connect_step step, const struct err *why)
{
        struct trust *trust = arg;

        (void)step;
        trust->why = *why;
        trust->has_failed = true;
}

/* ---- the question ---- */

enum answer { ANSWER_YES, ANSWER_NO, ANSWER_UNCLEAR };

static enum answer ask(const struct terminal *terminal, const char *question,
                       const char *fingerprint)
{
        struct secret *typed = NULL;
        struct err ignored; /* nothing was typed: documented to be a no */

        if (!terminal_ask(terminal, question, /* is_echoed= */ true, /* other_fd= */ -1, &typed,
                          &ignored))
                return ANSWER_NO;
        struct str answer = str_trim((struct str){ secret_bytes(typed), secret_len(typed) });
        enum answer meant = str_is(answer, "yes") || str_is(answer, fingerprint) ? ANSWER_YES
                            : str_is(answer, "no")                               ? ANSWER_NO
                                                                                 : ANSWER_UNCLEAR;
        secret_free(typed);
        return meant;
}

/* As OpenSSH: anything but yes, no or the very fingerprint is asked for again. */
static bool confirm(const struct terminal *terminal, const char *fingerprint)
{
        const char *question = "Are you sure you want to add this key (yes/no/[fingerprint])? ";
        enum answer answer = ANSWER_UNCLEAR;

        (void)fflush(stdout); /* what it is about comes before the question */
        for (int asked = 0; asked < ASKED_MAX && answer == ANSWER_UNCLEAR; asked++) {
                answer = ask(terminal, question, fingerprint);
                question = "That is neither yes nor no nor its fingerprint. Please type 'yes', "
                           "'no' or the fingerprint: ";
        }
        return answer == ANSWER_YES;
}

static bool decide(const struct trust *trust, struct err *err)
{
        if (trust->wanted != NULL)
                return fingerprints_have(str_of(trust->wanted), trust->fingerprint)
                       || err_set(
                               err, ERR_HOST_KEY,
                               "%s shows another key than %s: nothing was added. Somebody may be "
                               "in between, or it has keys of several types.",
                               trust->host, trust->wanted);
        return confirm(&trust->terminal, trust->fingerprint)
               || err_set(err, ERR_CANCELLED, "the key of %s was not added", trust->host);
}

static bool add(struct engine *engine, uint64_t id, const struct trust *trust, struct err *err)
{
        if (!decide(trust, err))
                return false;
        if (!engine_add_host_key(engine, id, err))
                return err_context(err, "the key of %s was not added to %s", trust->host,
                                   trust->add_to);
        (void)printf("The key of %s was added to %s.\n", trust->host, trust->add_to);
        return true;
}

static bool run(struct own_engine *own, const char *host, struct trust *trust, struct err *err)
{
        const struct connection_watch watch = { .on_step = on_step,
                                                .on_failure = on_failure,
                                                .on_host_key = on_host_key,
                                                .arg = trust };
        const struct session_ref session = { .host = host };
        bool is_ready;
        uint64_t id;

        if (!engine_connect(own->engine, &session, &watch, &id, &is_ready, err))
                return false;
        while (!trust->is_shown && !trust->has_failed && uv_run(&own->loop, UV_RUN_ONCE) != 0)
                continue;
        if (!trust->is_shown)
                *err = trust->why;
        bool ok = trust->is_shown && (trust->is_known || add(own->engine, id, trust, err));
        engine_unwatch(own->engine, id);
        return ok;
}

/* ---- arguments ---- */

static bool read_arguments(int argc, char **argv, const char **out_wanted, const char **out_host)
{
        static const char fingerprint[] = "--fingerprint";

        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], fingerprint) == 0 && i + 1 < argc)
                        *out_wanted = argv[++i];
                else if (strncmp(argv[i], fingerprint, sizeof fingerprint - 1) == 0
                         && argv[i][sizeof fingerprint - 1] == '=')
                        *out_wanted = argv[i] + sizeof fingerprint;
                else if (argv[i][0] == '-' || *out_host != NULL)
                        return false;
                else
                        *out_host = argv[i];
        }
        return *out_host != NULL;
}

static int complain(const char *what)
{
        (void)fprintf(stderr, "mcp-ssh-session: %s\n", what);
        return 2;
}

int cli_trust(const struct cli_options *options, int argc, char **argv)
{
        struct trust trust = { 0 };
        struct own_engine own;
        struct err err = { 0 };
        const char *host = NULL;

        if (!read_arguments(argc, argv, &trust.wanted, &host))
                return complain("usage: mcp-ssh-session trust [--fingerprint SHA256:...] HOST");
        if (trust.wanted != NULL && !fingerprints_are_valid(str_of(trust.wanted)))
                return complain("--fingerprint wants SHA256: and 43 characters, as ssh-keygen -l "
                                "prints them");
        if (trust.wanted == NULL && !terminal_open(&trust.terminal, /* use_stdin= */ false, &err))
                return complain("trust asks a person: run it in a terminal, or give "
                                "--fingerprint SHA256:...");
        bool ok = own_engine_init(&own, options, &err) && run(&own, host, &trust, &err);
        (void)fflush(stdout);
        if (!ok)
                (void)fprintf(stderr, "mcp-ssh-session: %s\n", err.text);
        own_engine_fini(&own);
        terminal_close(&trust.terminal);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
