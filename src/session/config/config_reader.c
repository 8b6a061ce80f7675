/*
 * A line counts while the block that it stands in is active. `said` holds what would be printed;
 * a keyword is looked for in it before another value is taken, so the lines are their own index.
 */
#include "session/config/config_reader.h"

#include "base/alloc.h"
#include "base/pattern.h"
#include "base/scoped.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MAX    (256 * 1024) /* bytes; as `ssh -G` may print */
#define KEYWORD_MAX 64           /* characters; a longer one is no keyword */

struct config_reader {
        const struct config_reader_host *host; /* not ours */
        struct buf said;
        bool is_active; /* the block that is being read matches */
        unsigned depth;
        unsigned files;
};

struct config_reader *config_reader_new(const struct config_reader_host *host)
{
        struct config_reader *reader = xcalloc(1, sizeof *reader);

        reader->host = host;
        buf_init(&reader->said, SAID_MAX);
        return reader;
}

void config_reader_free(struct config_reader *reader)
{
        if (reader == NULL)
                return;
        buf_fini(&reader->said);
        free(reader);
}

/* ---- words ---- */

/*
 * Cuts a word off *rest, with "…" around it taken off; false at the end of the line or at a
 * comment. A `=` may stand between keyword and value.
 */
static bool next_word(struct str *rest, struct str *out_word)
{
        size_t at = 0;
        size_t end;

        while (at < rest->len && (isblank((unsigned char)rest->ptr[at]) || rest->ptr[at] == '='))
                at++;
        if (at == rest->len || rest->ptr[at] == '#')
                return false;
        bool is_quoted = rest->ptr[at] == '"';
        at += is_quoted;
        for (end = at; end < rest->len; end++)
                if (is_quoted ? rest->ptr[end] == '"'
                              : isblank((unsigned char)rest->ptr[end]))
                        break;
        *out_word = (struct str){ rest->ptr + at, end - at };
        end += is_quoted && end < rest->len;
        *rest = (struct str){ rest->ptr + end, rest->len - end };
        return true;
}

/* The rest of a line as one value: a command, or a path with blanks. */
static struct str whole_value(struct str rest)
{
        while (rest.len > 0 && (isblank((unsigned char)rest.ptr[0]) || rest.ptr[0] == '='))
                rest = (struct str){ rest.ptr + 1, rest.len - 1 };
        rest = str_trim(rest);
        if (rest.len >= 2 && rest.ptr[0] == '"' && memchr(rest.ptr + 1, '"', rest.len - 1)
                                                           == rest.ptr + rest.len - 1)
                rest = (struct str){ rest.ptr + 1, rest.len - 2 };
        return rest;
}

/* ---- what was said ---- */

static bool was_said(const struct config_reader *reader, const char *keyword)
{
        struct str rest = buf_str(&reader->said);
        struct str line;

        while (str_line(&rest, &line))
                if (str_is(str_word(&line), keyword))
                        return true;
        return false;
}

/* The value that holds now; fallback where there is none. Borrowed until the next one is said. */
static struct str value_of(const struct config_reader *reader, const char *keyword,
                           struct str fallback)
{
        struct str rest = buf_str(&reader->said);
        struct str line;

        while (str_line(&rest, &line))
                if (str_is(str_word(&line), keyword))
                        return str_trim(line);
        return fallback;
}

static bool say(struct config_reader *reader, const char *keyword, struct str value,
                struct err *err)
{
        return buf_printf(&reader->said, "%s %.*s\n", keyword, (int)value.len, value.ptr)
               || err_set(err, ERR_CONNECT, "its ssh_config says more than %d KiB",
                          SAID_MAX / 1024);
}

static bool is_one_of(const char *keyword, const char *const *list)
{
        for (; *list != NULL; list++)
                if (strcmp(keyword, *list) == 0)
                        return true;
        return false;
}

/* HostName may say %h, the name as given. */
static bool say_host_name(struct config_reader *reader, struct str value, struct err *err)
{
        scoped_buf struct buf name;

        buf_init(&name, TARGET_HOST_MAX * 4);
        for (size_t i = 0; i < value.len; i++) {
                bool is_token = value.ptr[i] == '%' && i + 1 < value.len;
                char token = is_token ? value.ptr[++i] : 0;
                bool ok = token == 'h'   ? buf_append_str(&name, reader->host->target->host)
                          : token == '%' ? buf_append_byte(&name, '%')
                                         : token == 0
                                                   && buf_append_byte(&name, (uint8_t)value.ptr[i]);
                if (!ok)
                        return err_set(err, ERR_CONNECT,
                                       "its ssh_config has a HostName that makes no sense");
        }
        return say(reader, "hostname", buf_str(&name), err);
}

static bool take_value(struct config_reader *reader, const char *keyword, struct str rest,
                       struct err *err)
{
        static const char *const lists[] = { "identityfile", "certificatefile", "sendenv", NULL };
        static const char *const proxies[] = { "proxyjump", "proxycommand", NULL };
        static const char *const whole[] = { "proxycommand", "identityfile", "certificatefile",
                                             "userknownhostsfile", "globalknownhostsfile",
                                             "remotecommand", "identityagent", NULL };
        bool is_proxy = is_one_of(keyword, proxies);
        struct str value;

        if (!is_one_of(keyword, lists) && was_said(reader, keyword))
                return true;
        if (is_proxy && (was_said(reader, "proxyjump") || was_said(reader, "proxycommand")))
                return true; /* the one that was said first */
        if (is_one_of(keyword, whole))
                value = whole_value(rest);
        else if (!next_word(&rest, &value))
                return true; /* no value: ssh would complain; here it says nothing */
        if (strcmp(keyword, "hostname") == 0)
                return say_host_name(reader, value, err);
        bool ok = say(reader, keyword, value, err);
        while (ok && strcmp(keyword, "setenv") == 0 && next_word(&rest, &value))
                ok = say(reader, keyword, value, err); /* one line has them all */
        return ok;
}

/* ---- blocks ---- */

/* The patterns of a Host line: words. */
static bool matches_words(struct str list, struct str name)
{
        bool is_match = false;
        struct str word;

        while (next_word(&list, &word))
                if (!pattern_weigh(word, name, &is_match))
                        return false;
        return is_match;
}

/* One criterion of a Match line; *out_holds is what it says of this host. */
static bool judge(struct config_reader *reader, struct str criterion, struct str argument,
                  bool *out_holds, struct err *err)
{
        const struct config_reader_host *host = reader->host;
        struct str given = str_of(host->target->host);
        struct str user = str_of(host->target->user != NULL ? host->target->user
                                                            : host->home->user);

        if (str_is(criterion, "host"))
                *out_holds = pattern_list_matches(argument, value_of(reader, "hostname", given));
        else if (str_is(criterion, "originalhost"))
                *out_holds = pattern_list_matches(argument, given);
        else if (str_is(criterion, "user"))
                *out_holds = pattern_list_matches(argument, value_of(reader, "user", user));
        else if (str_is(criterion, "localuser"))
                *out_holds = pattern_list_matches(argument, str_of(host->home->user));
        else
                return err_set(err, ERR_CONNECT,
                               "its ssh_config has `Match %.*s`, which only the ssh program can "
                               "judge: install the OpenSSH client on this machine.",
                               (int)criterion.len, criterion.ptr);
        return true;
}

static bool take_match(struct config_reader *reader, struct str rest, struct err *err)
{
        struct str word;
        bool is_match = true;

        while (next_word(&rest, &word)) {
                bool is_negated = str_starts(word, "!");
                struct str criterion = { word.ptr + is_negated, word.len - is_negated };
                bool holds = true;
                if (str_is(criterion, "canonical") || str_is(criterion, "final")) {
                        holds = false; /* names are not made canonical here */
                } else if (!str_is(criterion, "all")) {
                        struct str argument;
                        if (!next_word(&rest, &argument))
                                return err_set(err, ERR_CONNECT,
                                               "its ssh_config has a Match line that says nothing");
                        if (is_match && !judge(reader, criterion, argument, &holds, err))
                                return false;
                }
                is_match = is_match && holds != is_negated;
        }
        reader->is_active = is_match;
        return true;
}

static bool take_include(struct config_reader *reader, struct str rest, struct err *err)
{
        const struct config_reader_host *host = reader->host;
        struct str word;

        if (reader->depth == CONFIG_READER_DEPTH_MAX)
                return err_set(err, ERR_CONNECT, "its ssh_config has Includes more than %d deep",
                               CONFIG_READER_DEPTH_MAX);
        while (next_word(&rest, &word)) {
                scoped_free char *pattern = xstrndup(word.ptr, word.len);
                if (!host->include(host->arg, reader, pattern, err))
                        return false;
        }
        return true;
}

/* ---- files ---- */

static bool take_line(struct config_reader *reader, struct str line, struct err *err)
{
        char keyword[KEYWORD_MAX];
        struct str rest = str_trim((struct str){ line.ptr, strnlen(line.ptr, line.len) });
        size_t len = 0;

        /* a NUL ends a line, as it does for ssh */
        while (len < rest.len && !isblank((unsigned char)rest.ptr[len]) && rest.ptr[len] != '=')
                len++;
        if (len == 0 || rest.ptr[0] == '#' || len >= sizeof keyword)
                return true;
        for (size_t i = 0; i < len; i++)
                keyword[i] = (char)tolower((unsigned char)rest.ptr[i]);
        keyword[len] = 0;
        rest = (struct str){ rest.ptr + len, rest.len - len };
        if (strcmp(keyword, "host") == 0) {
                reader->is_active =
                        matches_words(rest, str_of(reader->host->target->host));
                return true;
        }
        if (strcmp(keyword, "match") == 0)
                return take_match(reader, rest, err);
        if (!reader->is_active)
                return true;
        if (strcmp(keyword, "include") == 0)
                return take_include(reader, rest, err);
        return take_value(reader, keyword, rest, err);
}

bool config_reader_take(struct config_reader *reader, struct str text, struct err *err)
{
        bool was_active = reader->depth > 0 ? reader->is_active : true;
        struct str line;
        bool ok = true;

        if (reader->files++ == CONFIG_READER_FILES_MAX)
                return err_set(err, ERR_CONNECT, "its ssh_config includes more than %d files",
                               CONFIG_READER_FILES_MAX);
        if (reader->files == 1) { /* what the call said comes before what any file says */
                const struct target *target = reader->host->target;
                if (target->user != NULL)
                        ok = say(reader, "user", str_of(target->user), err);
                if (target->port != 0)
                        ok = ok
                             && (buf_printf(&reader->said, "port %d\n", target->port)
                                 || err_set(err, ERR_SYSTEM, "out of memory"));
        }
        reader->is_active = was_active;
        reader->depth++;
        while (ok && str_line(&text, &line))
                ok = take_line(reader, line, err);
        reader->depth--;
        reader->is_active = was_active;
        return ok;
}

struct str config_reader_finish(struct config_reader *reader)
{
        static const struct {
                const char *keyword;
                const char *value;
        } defaults[] = {
                { "port", "22" },
                { "identityfile", "~/.ssh/id_rsa\nidentityfile ~/.ssh/id_ecdsa\n"
                                  "identityfile ~/.ssh/id_ed25519" },
                { "userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2" },
                { "globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2" },
        };
        const struct target *target = reader->host->target;
        struct err ignored; /* full: the parser then complains about what is missing */

        if (!was_said(reader, "hostname"))
                (void)say(reader, "hostname", str_of(target->host), &ignored);
        if (!was_said(reader, "user"))
                (void)say(reader, "user",
                          str_of(target->user != NULL ? target->user : reader->host->home->user),
                          &ignored);
        if (target->port != 0 && !was_said(reader, "port"))
                (void)buf_printf(&reader->said, "port %d\n", target->port);
        for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
                if (!was_said(reader, defaults[i].keyword))
                        (void)say(reader, defaults[i].keyword, str_of(defaults[i].value), &ignored);
        return buf_str(&reader->said);
}
