#pragma once
/*
 * inline_secrets.h - arguments of tool calls that are secrets, and what becomes of them.
 *
 * They exist because programs that call the original know them. They pass through the client,
 * its model and its logs, so an operator may switch them off; tools/list then leaves them out.
 * Whatever came in one is redacted from then on, also when it was refused.
 *
 * Process: supervisor.
 * Errors:  ERR_INPUT: refused; the text says what to do instead. ERR_LIMIT: see engine.h.
 */
#include "base/err.h"

#include <jansson.h>

struct engine;

enum inline_secrets { INLINE_SECRETS_ALLOWED, INLINE_SECRETS_DENIED };

bool inline_secrets_is_one(const char *argument);

/* arguments: an object, or NULL for none. */
bool inline_secrets_take(struct engine *engine, enum inline_secrets policy, const json_t *arguments,
                         struct err *err);
