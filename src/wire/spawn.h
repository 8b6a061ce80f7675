#pragma once
/*
 * spawn.h - what supervisor and zygote say to each other: make a worker, end one, one has ended.
 *
 * Fixed-size records over a socketpair of stream type, native byte order. A SPAWN_MAKE is
 * followed by exactly one control byte carrying its fds (SCM_RIGHTS), in the order
 * connected socket, frames socket, agent socket (the last only if the record says so).
 *
 * Process: supervisor and zygote.
 */
#include <stdint.h>

enum spawn_kind {
        SPAWN_MAKE = 1, /* to the zygote: fork a worker with the fds */
        SPAWN_KILL,     /* to the zygote: SIGKILL that worker; gone already: nothing happens */
        SPAWN_MADE,     /* from the zygote: it runs as pid */
        SPAWN_FAILED,   /* from the zygote: status is an errno */
        SPAWN_ENDED,    /* from the zygote: status is waitpid()'s */
};

struct spawn_record {
        uint32_t kind;
        uint32_t has_agent; /* SPAWN_MAKE: 1 if a third fd comes along */
        uint64_t id;        /* the connection's, chosen by the supervisor */
        int64_t pid;
        int64_t status;
};

#define SPAWN_FDS_MAX 3
