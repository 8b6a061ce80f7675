/*
 * The files behind config_reader.h: which there are, and what an Include means.
 */
#include "session/config/config_reader.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "session/small_file.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_LEN (256 * 1024) /* bytes of one file */
#define SYSTEM_FILE  "/etc/ssh/ssh_config"

struct place {
        const struct home *home; /* not ours */
        bool is_system;          /* a relative Include is below /etc/ssh, not ~/.ssh */
};

/* A file that is not there says nothing. */
static bool take_file(struct config_reader *reader, const char *path, struct err *err)
{
        scoped_buf struct buf text;
        struct err why;

        buf_init(&text, FILE_MAX_LEN);
        if (small_file_read(path, &text, NULL, &why))
                return config_reader_take(reader, buf_str(&text), err);
        return why.code == ERR_NOT_FOUND
               || err_set(err, ERR_CONNECT, "%s cannot be read: %s", path, why.text);
}

static bool include(void *arg, struct config_reader *reader, const char *pattern, struct err *err)
{
        const struct place *place = arg;
        scoped_free char *path = pattern[0] == '/' || pattern[0] == '~'
                                         ? home_expand(place->home, pattern)
                                 : place->is_system
                                         ? xasprintf("/etc/ssh/%s", pattern)
                                         : xasprintf("%s/.ssh/%s", place->home->dir, pattern);
        glob_t found;
        bool ok = true;

        int rc = glob(path, 0, NULL, &found);
        if (rc == GLOB_NOMATCH)
                return true;
        if (rc != 0)
                return err_set(err, ERR_CONNECT, "its ssh_config includes %s, which cannot be read",
                               log_quote(path, strlen(path)));
        for (size_t i = 0; ok && i < found.gl_pathc; i++)
                ok = take_file(reader, found.gl_pathv[i], err);
        globfree(&found);
        return ok;
}

static bool take_all(struct config_reader *reader, struct place *place, const char *file,
                     struct err *err)
{
        if (file != NULL)
                return strcmp(file, "none") == 0 || take_file(reader, file, err);
        scoped_free char *own = xasprintf("%s/.ssh/config", place->home->dir);
        if (!take_file(reader, own, err))
                return false;
        place->is_system = true;
        return take_file(reader, SYSTEM_FILE, err);
}

/* They are lines of a file that comes before all others. */
static bool take_options(struct config_reader *reader, const struct config_source *source,
                         const char *jump, struct err *err)
{
        scoped_buf struct buf text;

        buf_init(&text, FILE_MAX_LEN);
        if (jump != NULL && !buf_printf(&text, "ProxyJump %s\n", jump))
                return err_set(err, ERR_CONNECT, "the list of jump hosts is too long");
        for (unsigned i = 0; i < source->option_count; i++)
                if (!buf_printf(&text, "%s\n", source->options[i]))
                        return err_set(err, ERR_CONNECT, "the options for ssh are too long");
        return config_reader_take(reader, buf_str(&text), err);
}

bool config_reader_run(struct buf *out, const struct config_source *source, const char *file,
                       const char *jump, const struct target *target, const struct home *home,
                       struct err *err)
{
        struct place place = { .home = home };
        const struct config_reader_host host = { target, home, include, &place };
        struct config_reader *reader = config_reader_new(&host);
        bool ok = take_options(reader, source, jump, err) && take_all(reader, &place, file, err);

        if (ok) {
                struct str said = config_reader_finish(reader);
                ok = buf_append(out, said.ptr, said.len)
                     || err_set(err, ERR_CONNECT, "its ssh_config says too much");
        }
        config_reader_free(reader);
        return ok;
}
