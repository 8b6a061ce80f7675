#include "control/control_place.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PLACES      3
#define PID_LONGEST 999999999 /* as parse_name() takes it */

/* NULL where there is none. Yours, free(). */
static char *place_in(const char *runtime_directory)
{
        struct stat is;

        if (runtime_directory == NULL || runtime_directory[0] != '/'
            || stat(runtime_directory, &is) != 0 || !S_ISDIR(is.st_mode) || is.st_uid != geteuid()
            || (is.st_mode & 022) != 0)
                return NULL;
        return xasprintf("%s/mcp-ssh-session", runtime_directory);
}

/* A place that is not there is NULL. */
static void list_places(char *out_places[PLACES])
{
        const char *only = getenv("MCP_SSH_CONTROL_DIR");
        if (only != NULL && only[0] == '/') {
                out_places[0] = xstrdup(only);
                out_places[1] = out_places[2] = NULL;
                return;
        }
        scoped_free char *run = xasprintf("/run/user/%u", (unsigned)geteuid());

        out_places[0] = place_in(getenv("XDG_RUNTIME_DIR"));
        out_places[1] = place_in(run);
        out_places[2] = xasprintf("/tmp/mcp-ssh-session-%u", (unsigned)geteuid());
}

static void free_places(char *places[PLACES])
{
        for (int i = 0; i < PLACES; i++)
                free(places[i]);
}

static bool check_place(const char *path, struct err *err)
{
        struct stat is;

        if (lstat(path, &is) != 0)
                return err_set(err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
        if (!S_ISDIR(is.st_mode))
                return err_set(err, ERR_SYSTEM, "%s is no directory", path);
        if (is.st_uid != geteuid())
                return err_set(err, ERR_SYSTEM, "%s belongs to somebody else", path);
        if ((is.st_mode & 077) != 0)
                return err_set(err, ERR_SYSTEM, "%s is open to others: chmod 700 it", path);
        return true;
}

/* Such that any process of ours has a name there that a socket can have. */
static bool has_room(const char *place, struct err *err)
{
        const size_t room = sizeof ((struct sockaddr_un *)NULL)->sun_path;
        scoped_free char *longest = control_socket_path(place, PID_LONGEST);

        return strlen(longest) < room
               || err_set(err, ERR_SYSTEM, "%s is too long for a socket", longest);
}

bool control_place_make(char **out_directory, struct err *err)
{
        char *places[PLACES];
        bool ok = false;

        list_places(places);
        (void)err_set(err, ERR_SYSTEM, "there is no place for it"); /* never: one is there */
        for (int i = 0; i < PLACES && !ok; i++) {
                if (places[i] == NULL || !has_room(places[i], err))
                        continue;
                if (mkdir(places[i], 0700) != 0 && errno != EEXIST)
                        (void)err_set(err, ERR_SYSTEM, "%s: %s", places[i], strerror(errno));
                else
                        ok = check_place(places[i], err);
                if (ok)
                        *out_directory = xstrdup(places[i]);
        }
        free_places(places);
        return ok;
}

char *control_socket_path(const char *directory, pid_t pid)
{
        return xasprintf("%s/%lld.sock", directory, (long long)pid);
}

/* "123.sock" */
static bool parse_name(const char *name, pid_t *out_pid)
{
        size_t digits = strspn(name, "0123456789");
        long long pid;

        if (strcmp(name + digits, ".sock") != 0 || digits > 9
            || !str_number((struct str){ name, digits }, &pid) || pid <= 0)
                return false;
        *out_pid = (pid_t)pid;
        return true;
}

/* False: the visitor has seen enough. */
static bool visit_place(const char *place, control_socket_visit *visit, void *arg)
{
        DIR *entries = opendir(place);
        bool goes_on = true;

        for (int i = 0; entries != NULL && goes_on && i < CONTROL_SOCKETS_MAX; i++) {
                /* cppcheck-suppress readdirCalled ; there is one thread */
                const struct dirent *entry = readdir(entries);
                pid_t pid;
                if (entry == NULL)
                        break;
                if (!parse_name(entry->d_name, &pid))
                        continue;
                scoped_free char *path = control_socket_path(place, pid);
                goes_on = visit(arg, path, pid);
        }
        if (entries != NULL)
                (void)closedir(entries);
        return goes_on;
}

void control_place_each(control_socket_visit *visit, void *arg)
{
        char *places[PLACES];
        struct err err;

        list_places(places);
        for (int i = 0; i < PLACES; i++) {
                bool is_again = i > 0 && places[i] != NULL && places[0] != NULL
                                && strcmp(places[i], places[0]) == 0;
                if (places[i] == NULL || is_again || !check_place(places[i], &err))
                        continue;
                if (!visit_place(places[i], visit, arg))
                        break;
        }
        free_places(places);
}

bool control_peer_is_same_user(int fd)
{
#ifdef SO_PEERCRED
        struct ucred peer;
        socklen_t len = sizeof peer;

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof peer
               && peer.uid == geteuid();
#else
        uid_t uid;
        gid_t gid;

        return getpeereid(fd, &uid, &gid) == 0 && uid == geteuid();
#endif
}

/* Nobody listens, and the process that did is gone. */
static void remove_stale(const char *path, pid_t pid)
{
        if (kill(pid, 0) != 0 && errno == ESRCH && unlink(path) == 0)
                log_debug("%s was left behind by a process that is gone", path);
}

int control_socket_connect(const char *path, pid_t pid)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct stat is;

        if (strlen(path) >= sizeof address.sun_path || lstat(path, &is) != 0
            || !S_ISSOCK(is.st_mode) || is.st_uid != geteuid())
                return -1;
        memcpy(address.sun_path, path, strlen(path) + 1);
        scoped_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        /* not blocking while it connects: a listener whose queue is full counts as nobody */
        if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
                return -1;
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
                if (errno == ECONNREFUSED)
                        remove_stale(path, pid);
                return -1;
        }
        return fcntl(fd, F_SETFL, 0) == 0 && control_peer_is_same_user(fd) ? take_fd(&fd) : -1;
}
