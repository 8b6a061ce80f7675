#pragma once
/*
 * redact.h - the last look at what goes out: no secret is in it.
 *
 * Output has lost its secrets before it was stored. This is for everything else: command texts,
 * errors, notes, paths, and output from before a secret was seen. Names and values that are ours
 * alone (ids, states, codes, times) are left alone, whatever somebody's password is.
 *
 * Process: supervisor.
 */
#include "base/buf.h"

#include <jansson.h>

struct redact {
        /* As engine_redact(): false: there is none; else the text without them is appended. */
        bool (*redact)(void *arg, struct str text, struct buf *out);
        void *arg;
};

/* Of a tool's result; redact->redact NULL: nothing is done. */
void redact_result(const struct redact *redact, json_t *result);

void redact_member(const struct redact *redact, json_t *object, const char *key);

/* Of a text in a fixed place; what does not fit any more is cut. */
void redact_in_place(const struct redact *redact, char *text, size_t size);
