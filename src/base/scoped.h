#pragma once
/*
 * scoped.h - locals that clean up after themselves at the closing brace.
 *
 *      scoped_fd int fd = open(…);        *out_fd = take_fd(&fd);
 *      scoped_free char *text = xstrdup(…);
 *      scoped_buf struct buf buf; buf_init(&buf, MAX);
 *
 * Process: any.
 */
#include "base/buf.h"

#include <stdlib.h>
#include <unistd.h>

static inline void scoped_close(const int *fd)
{
        if (*fd >= 0)
                (void)close(*fd); /* nothing can be done about a failing close */
}

static inline void scoped_release(void *pointer)
{
        free(*(void **)pointer);
}

#define scoped_fd   __attribute__((cleanup(scoped_close)))
#define scoped_free __attribute__((cleanup(scoped_release)))
#define scoped_buf  __attribute__((cleanup(buf_fini)))

static inline int take_fd(int *fd) /* hands over, leaves -1 behind */
{
        int taken = *fd;

        *fd = -1;
        return taken;
}
