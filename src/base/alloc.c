#include "base/alloc.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xcalloc(size_t count, size_t size)
{
        void *memory = calloc(count, size);

        if (memory == NULL)
                bug("out of memory: %zu x %zu bytes", count, size);
        return memory;
}

char *xstrndup(const char *text, size_t len)
{
        size_t n = strnlen(text, len);
        char *copy = xcalloc(1, n + 1);

        memcpy(copy, text, n);
        return copy;
}

char *xstrdup(const char *text)
{
        return xstrndup(text, strlen(text));
}

char *xasprintf(const char *fmt, ...)
{
        va_list args;
        va_list again;

        va_start(args, fmt);
        va_copy(again, args);
        int len = vsnprintf(NULL, 0, fmt, args);
        va_end(args);
        if (len < 0)
                bug("xasprintf: bad format %s", fmt);

        char *text = xcalloc(1, (size_t)len + 1);
        (void)vsnprintf(text, (size_t)len + 1, fmt, again);
        va_end(again);
        return text;
}
