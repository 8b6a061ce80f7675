#include "session/small_file.h"

#include "base/fault.h"
#include "base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static bool read_all(int fd, struct buf *out, struct err *err)
{
        for (;;) {
                if (out->len == out->max)
                        return err_set(err, ERR_SYSTEM, "larger than %zu KiB", out->max / 1024);
                size_t want = out->max - out->len < 16384 ? out->max - out->len : 16384;
                if (!buf_reserve(out, want))
                        return err_set(err, ERR_SYSTEM, "out of memory");
                ssize_t n = fault_hit() ? -1 : read(fd, out->data + out->len, want);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_set(err, ERR_SYSTEM, "%s", strerror(errno));
                out->len += (size_t)n;
                out->data[out->len] = 0;
                if (n == 0)
                        return true;
        }
}

static bool read_regular(int fd, struct buf *out, struct stat *out_stat, struct err *err)
{
        struct stat is;

        if (fd < 0)
                return err_set(err,
                               errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_SYSTEM,
                               "%s", strerror(errno));
        if (fstat(fd, &is) != 0)
                return err_set(err, ERR_SYSTEM, "%s", strerror(errno));
        if (!S_ISREG(is.st_mode))
                return err_set(err, ERR_SYSTEM, "not a regular file");
        if (!read_all(fd, out, err))
                return false;
        if (out_stat != NULL)
                *out_stat = is;
        return true;
}

bool small_file_read(const char *path, struct buf *out, struct stat *out_stat, struct err *err)
{
        scoped_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

        return read_regular(fd, out, out_stat, err);
}
