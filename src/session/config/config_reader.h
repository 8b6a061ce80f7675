#pragma once
/*
 * config_reader.h - reads ssh_config files where no ssh program is there to do it.
 *
 * Writes what `ssh -G` would print for a host: "keyword value" lines, keywords in lower case, the
 * first value of a keyword only (ssh_config(5): the first obtained value is used). Host, Match
 * (all, host, originalhost, user, localuser, canonical and final, which never match), Include and
 * the tokens of HostName are understood.
 *
 * Process: supervisor. Pure but for Include, which the caller's function answers.
 * Memory:  what is written goes to the caller's buf; file names are borrowed for the call.
 * Errors:  ERR_CONNECT for what only ssh can judge (Match exec) and for what goes over a limit.
 */
#include "base/buf.h"
#include "base/err.h"
#include "session/config/config_source.h"
#include "session/config/home.h"
#include "session/config/target.h"

#define CONFIG_READER_FILES_MAX 64 /* opened for one host; one more is an error */
#define CONFIG_READER_DEPTH_MAX 16 /* Includes within Includes, as OpenSSH */

struct config_reader;

/* Calls config_reader_take() for each file that the pattern of an Include means. */
typedef bool config_reader_include(void *arg, struct config_reader *reader, const char *pattern,
                                   struct err *err);

struct config_reader_host {
        const struct target *target; /* as the call said it */
        const struct home *home;
        config_reader_include *include;
        void *arg;
};

/* host must stay for as long as the reader. */
struct config_reader *config_reader_new(const struct config_reader_host *host);
void config_reader_free(struct config_reader *reader);

/* Takes a whole file. An earlier file's values win over a later one's. */
bool config_reader_take(struct config_reader *reader, struct str text, struct err *err);

/* Adds OpenSSH's defaults for what was not said, and gives the lines; borrowed from the reader. */
struct str config_reader_finish(struct config_reader *reader);

/*
 * All of it: the operator's options, then file, or where it is NULL ~/.ssh/config and
 * /etc/ssh/ssh_config. jump: as `ssh -J`, NULL: none.
 */
bool config_reader_run(struct buf *out, const struct config_source *source, const char *file,
                       const char *jump, const struct target *target, const struct home *home,
                       struct err *err);
