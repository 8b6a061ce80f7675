#pragma once
/*
 * chat.h - a conversation with the protocol layer: lines in, answers out, the fake engine behind.
 *
 * Texts are JSON with ' for ", so that they read in C. Time stands still until chat_pass().
 */
#include "mcp/fake_engine.h"
#include "mcp/server.h"

#include <jansson.h>

#define CHAT_LINES_MAX 512

struct chat {
        struct engine *engine;
        struct mcp *mcp;
        struct mcp_client *client;
        json_t *lines[CHAT_LINES_MAX]; /* what the client got, oldest first */
        size_t count;
        size_t taken;
        int64_t now_ms;
};

void chat_open(struct chat *chat);
void chat_close(struct chat *chat); /* fails the test when an answer was not looked at */

void chat_say(struct chat *chat, const char *text);
void chat_say_raw(struct chat *chat, const char *bytes, size_t len);

/* Lets time pass, in turns of 50 ms. */
void chat_pass(struct chat *chat, int64_t ms);

/* The next line the client got; fails the test if there is none. Borrowed. */
json_t *chat_hear(struct chat *chat);
void chat_hear_nothing(struct chat *chat);

/* The next line is exactly this. */
void chat_expect(struct chat *chat, const char *text);

/* The next line is the error with this code; id is its JSON text, NULL for none. */
void chat_expect_error(struct chat *chat, int code, const char *id);

/* Calls a tool and lets one turn pass; the result, borrowed. Fails the test without one. */
json_t *chat_call(struct chat *chat, const char *tool, const char *arguments);

const char *chat_text(const json_t *result);                     /* of its only block */
const json_t *chat_fact(const json_t *result, const char *name); /* of the command's _meta */
bool chat_is_error(const json_t *result);

/* text with " for '; yours, free(). */
char *chat_quote(const char *text);
