#pragma once
/*
 * tools_md.h - docs/tools.md, written from the table of tools.
 */
#include "base/buf.h"

#define TOOLS_MD_MAX ((size_t)256 * 1024)

void tools_md_write(struct buf *out); /* out has TOOLS_MD_MAX */
