#pragma once
/*
 * liveness.h - whether the host is still there: when to ask it, and when to believe it is not.
 *
 * A host that says nothing for the interval is asked (keepalive@openssh.com), again after each
 * further interval; after `count` questions without an answer the connection is lost. After a
 * suspend of our own machine, seen by CLOCK_BOOTTIME having run ahead of CLOCK_MONOTONIC, it is
 * asked at once and has LIVENESS_AWAKE_MS to answer: the connection is probably gone, and whoever
 * wakes a laptop does not want to wait for three intervals. Where the two clocks do not differ
 * (macOS), a suspend is not seen and the intervals hold.
 *
 * Process: worker. Pure: the caller says what time it is.
 */
#include <stdbool.h>
#include <stdint.h>

#define LIVENESS_AWAKE_MS   4000 /* for the answer after a suspend */
#define LIVENESS_SUSPEND_MS 2000 /* a shorter one is none: nothing has timed out in it */
#define LIVENESS_LOOK_MS    1000 /* a suspend is noticed so long after the machine is awake, at most \
                                  */

struct liveness {
        uint32_t interval_s; /* 0: a host that says nothing is never asked */
        uint32_t count;
        uint32_t unanswered;
        int64_t heard_ms; /* the last byte from the host */
        uint64_t heard_bytes;
        int64_t boot_ahead_ms; /* boot clock less monotonic clock */
        int64_t awake_by_ms;   /* an answer is due by then, 0: not awaited */
};

struct liveness_now {
        int64_t now_ms;
        int64_t boot_ms;
        uint64_t bytes; /* that have come from the host, ever */
};

enum liveness_verdict {
        LIVENESS_FINE,
        LIVENESS_ASK,  /* send a keepalive now */
        LIVENESS_LOST, /* liveness_silent_ms() tells for how long it was silent */
};

void liveness_init(struct liveness *liveness, uint32_t interval_s, uint32_t count,
                   const struct liveness_now *now);
enum liveness_verdict liveness_look(struct liveness *liveness, const struct liveness_now *now);

int64_t liveness_silent_ms(const struct liveness *liveness, int64_t now_ms);

/* When to look again. */
int64_t liveness_due_ms(const struct liveness *liveness, int64_t now_ms);
