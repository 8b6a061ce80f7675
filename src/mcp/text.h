#pragma once
/*
 * text.h - how a command looks to the reader: the layouts of results, in the words of the
 * original program where it had any.
 *
 * Process: supervisor.
 * Memory:  appended to the caller's buf, which has TEXT_MAX. Parts that come from the host are
 *          output, or quoted on one line.
 */
#include "mcp/excerpt.h"
#include "session/command/command.h"

#define TEXT_MAX ((size_t)1024 * 1024) /* bytes: two excerpts, a hundred rows, lines of ours */

/* What was shown of standard output; both streams for is_cut. */
struct text_shown {
        struct excerpt out;
        bool is_cut;
};

struct text_view {
        uint64_t from; /* of standard output */
        size_t max;    /* for each stream */
};

/* "Exit Status: …", STDOUT, STDERR, notes. For a command in a final state. */
void text_write_done(struct buf *out, const struct command_info *info,
                     const struct text_view *view, struct text_shown *out_shown);

/* It outlived its call. */
void text_write_running(struct buf *out, const struct command_info *info, int64_t timeout_s,
                        const struct text_view *view, struct text_shown *out_shown);

/* It waits for input. */
void text_write_awaiting(struct buf *out, const struct command_info *info,
                         const struct text_view *view, struct text_shown *out_shown);

/* The record of get_command_status, then what is new. */
void text_write_status(struct buf *out, const struct command_info *info,
                       const struct text_view *view, struct text_shown *out_shown);

/* What came after input was sent, and what the command does now. */
void text_write_input(struct buf *out, const struct command_info *info,
                      const struct text_view *view, struct text_shown *out_shown);

/* Why a shell takes no command now; eight lines of the original and one of ours. */
void text_write_busy(struct buf *out, const struct command_info *holder);

/* "0", "unknown (why)". */
void text_write_exit_status(struct buf *out, const struct command_info *info);

/* password: "[sudo] password for web" */
void text_write_question(struct buf *out, const struct command_info *info);

/* Text of others on one line of at most max bytes, control characters as blanks. */
void text_write_line(struct buf *out, const char *text, size_t max);

void text_write_time(struct buf *out, int64_t wall_ms); /* 2026-07-28T09:30:00Z */
