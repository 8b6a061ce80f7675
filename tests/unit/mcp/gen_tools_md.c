/* Prints docs/tools.md. */
#include "mcp/tools_md.h"

#include "base/scoped.h"

#include <stdio.h>

int main(void)
{
        scoped_buf struct buf text;

        buf_init(&text, TOOLS_MD_MAX);
        tools_md_write(&text);
        return fwrite(text.data, 1, text.len, stdout) == text.len ? 0 : 1;
}
