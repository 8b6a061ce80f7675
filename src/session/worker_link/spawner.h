#pragma once
/*
 * spawner.h - the supervisor's end of the zygote's socket: workers made, killed, reported ended.
 *
 * Process: supervisor.
 * Memory:  takes the socket. spawner_stop() closes it in later turns of the loop; spawner_free()
 *          is for after the loop has ended.
 * Errors:  once the zygote is gone, spawner_make() fails with ERR_SYSTEM for good.
 */
#include "base/err.h"
#include "wire/spawn.h"

#include <stdbool.h>
#include <uv.h>

struct spawner;

/* record: SPAWN_MADE, SPAWN_FAILED or SPAWN_ENDED. The owner looks up the id; it may be gone. */
typedef void spawner_report(void *arg, const struct spawn_record *record);

bool spawner_new(struct spawner **out_spawner, uv_loop_t *loop, int *fd, spawner_report *report,
                 void *arg, struct err *err);
void spawner_stop(struct spawner *spawner);
void spawner_free(struct spawner *spawner);

/* Takes the fds (-1: no agent), also on failure. */
bool spawner_make(struct spawner *spawner, uint64_t id, int *host, int *frames, int *agent,
                  struct err *err);
void spawner_kill(struct spawner *spawner, uint64_t id);
