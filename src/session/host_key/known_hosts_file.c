#include "session/host_key/known_hosts_file.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES (32 * 1024) /* a key of KEY_BLOB_MAX in base64 and a name */
#define OPEN_FLAGS     (O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Only what OpenSSH itself makes: the .ssh of the home. */
static void make_directory(const char *path, const struct home *home)
{
        scoped_free char *ssh_dir = xasprintf("%s/.ssh", home->dir);
        size_t len = strlen(ssh_dir);

        if (strncmp(path, ssh_dir, len) == 0 && path[len] == '/')
                (void)mkdir(ssh_dir, 0700); /* it is there, or open() will tell */
}

static int open_link(const char *path, struct err *err)
{
        struct stat is;

        if (lstat(path, &is) != 0)
                return (void)err_set(err, ERR_SYSTEM, "%s", strerror(errno)), -1;
        if (is.st_uid != geteuid() && is.st_uid != 0)
                return (void)err_set(err, ERR_SYSTEM,
                                     "it is a symbolic link that belongs to somebody else"),
                       -1;
        int fd = open(path, OPEN_FLAGS);
        if (fd < 0)
                (void)err_set(err, ERR_SYSTEM, "%s (it is a symbolic link)", strerror(errno));
        return fd;
}

static int open_file(const char *path, struct err *err)
{
        int fd = open(path, OPEN_FLAGS | O_CREAT | O_NOFOLLOW, 0600);

        if (fd < 0 && errno == ELOOP)
                return open_link(path, err);
        if (fd < 0)
                (void)err_set(err, ERR_SYSTEM, "%s", strerror(errno));
        return fd;
}

/* Half a line would be read as another key. */
static void take_back(int fd, off_t size, size_t written)
{
        struct stat is;

        if (fstat(fd, &is) != 0 || is.st_size != size + (off_t)written || ftruncate(fd, size) != 0)
                log_warn("a line of a known_hosts file was cut short and could not be taken back");
}

static bool write_line(int fd, off_t size, struct str line, struct err *err)
{
        scoped_buf struct buf text;
        char last = '\n';

        buf_init(&text, LINE_MAX_BYTES);
        if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
                return err_set(err, ERR_SYSTEM, "its end cannot be read");
        if ((last != '\n' && !buf_append_byte(&text, '\n'))
            || !buf_append(&text, line.ptr, line.len))
                return err_set(err, ERR_SYSTEM, "the line is too long");
        ssize_t n = write(fd, text.data, text.len);
        if (n == (ssize_t)text.len)
                return true;
        if (n > 0)
                take_back(fd, size, (size_t)n);
        return err_set(err, ERR_SYSTEM, "%s", n < 0 ? strerror(errno) : "there is no space left");
}

bool known_hosts_append(const char *path, const struct home *home, struct str line, struct err *err)
{
        struct stat is;

        make_directory(path, home);
        scoped_fd int fd = open_file(path, err);
        if (fd < 0)
                return false;
        if (fstat(fd, &is) != 0)
                return err_set(err, ERR_SYSTEM, "%s", strerror(errno));
        if (!S_ISREG(is.st_mode))
                return err_set(err, ERR_SYSTEM, "it is not a regular file");
        return write_line(fd, is.st_size, line, err);
}
