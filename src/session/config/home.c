#include "session/config/home.h"

#include "base/alloc.h"
#include "base/scoped.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same_directory(const char *a, const char *b)
{
        struct stat a_is;
        struct stat b_is;

        if (strcmp(a, b) == 0)
                return true;
        return stat(a, &a_is) == 0 && stat(b, &b_is) == 0 && a_is.st_dev == b_is.st_dev
               && a_is.st_ino == b_is.st_ino;
}

void home_init(struct home *home)
{
        const char *dir = getenv("HOME");
        const char *user = getenv("USER");
        /* Once, at start-up, in the only thread. cppcheck-suppress getpwuidCalled */
        /* cppcheck-suppress getpwuidCalled ; there is one thread */
        const struct passwd *account = getpwuid(getuid());

        home->account = xstrdup(account != NULL ? account->pw_dir : "/");
        home->user = xstrdup(account != NULL ? account->pw_name : user != NULL ? user : "root");
        home->dir = xstrdup(dir != NULL && dir[0] == '/' ? dir : home->account);
        home->is_moved = !is_same_directory(home->dir, home->account);
}

void home_fini(struct home *home)
{
        free(home->dir);
        free(home->account);
        free(home->user);
        *home = (struct home){ 0 };
}

static const char *below(const char *path, const char *dir)
{
        size_t len = strlen(dir);

        return strncmp(path, dir, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

char *home_expand(const struct home *home, const char *path)
{
        scoped_free char *ssh_dir = xasprintf("%s/.ssh", home->account);
        const char *rest = below(path, "~");

        if (rest != NULL)
                return xasprintf("%s/%s", home->dir, rest);
        rest = home->is_moved ? below(path, ssh_dir) : NULL;
        if (rest != NULL)
                return xasprintf("%s/.ssh/%s", home->dir, rest);
        return xstrdup(path);
}

char *home_shorten(const struct home *home, const char *path)
{
        const char *rest = below(path, home->dir);

        return rest != NULL ? xasprintf("~/%s", rest) : xstrdup(path);
}
