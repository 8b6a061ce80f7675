#pragma once
/*
 * advice.h - the one thing to do where a step of a connection failed.
 *
 * Process: supervisor of its own. Pure.
 */
#include "base/buf.h"
#include "session/watch.h"

/* host: as the person said it. Appends a sentence or two; never nothing. */
void advice_write(struct buf *out, enum connect_step step, const struct err *why, const char *host);
