#include "base/buf.h"

#include "base/alloc.h"
#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

void buf_init(struct buf *buf, size_t max)
{
        *buf = (struct buf){ .max = max };
}

void buf_fini(struct buf *buf)
{
        free(buf->data);
        *buf = (struct buf){ .max = buf->max };
}

void buf_reset(struct buf *buf)
{
        buf->len = 0;
        if (buf->data != NULL)
                buf->data[0] = 0;
}

bool buf_reserve(struct buf *buf, size_t extra)
{
        if (extra > buf->max - buf->len)
                return false;
        size_t need = buf->len + extra;
        if (buf->data != NULL && need <= buf->cap)
                return true;

        size_t cap = buf->cap < BUF_FIRST ? BUF_FIRST : buf->cap;
        while (cap < need)
                cap = cap > SIZE_MAX / 2 ? need : cap * 2;
        if (cap > buf->max)
                cap = buf->max;
        if (fault_hit())
                return false;
        uint8_t *data = realloc(buf->data, cap + 1); /* + 1: the NUL behind the text */
        if (data == NULL)
                return false;
        buf->data = data;
        buf->data[buf->len] = 0;
        buf->cap = cap;
        return true;
}

bool buf_append(struct buf *buf, const void *bytes, size_t len)
{
        if (!buf_reserve(buf, len))
                return false;
        if (len > 0)
                memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
        buf->data[buf->len] = 0;
        return true;
}

bool buf_append_str(struct buf *buf, const char *text)
{
        return buf_append(buf, text, strlen(text));
}

bool buf_append_byte(struct buf *buf, uint8_t byte)
{
        return buf_append(buf, &byte, 1);
}

bool buf_printf(struct buf *buf, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        int len = vsnprintf(NULL, 0, fmt, args);
        va_end(args);
        if (len < 0 || !buf_reserve(buf, (size_t)len))
                return false;

        va_start(args, fmt);
        (void)vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, args);
        va_end(args);
        buf->len += (size_t)len;
        return true;
}

void buf_consume(struct buf *buf, size_t len)
{
        if (len == 0)
                return;
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
        buf->data[buf->len] = 0;
}

struct str buf_str(const struct buf *buf)
{
        return (struct str){ (const char *)buf->data, buf->len };
}

char *buf_take(struct buf *buf)
{
        char *text = buf->data != NULL ? (char *)buf->data : xcalloc(1, 1);

        *buf = (struct buf){ .max = buf->max };
        return text;
}
