#include "worker/liveness.h"

void liveness_init(struct liveness *liveness, uint32_t interval_s, uint32_t count,
                   const struct liveness_now *now)
{
        *liveness = (struct liveness){
                .interval_s = interval_s,
                .count = count,
                .heard_ms = now->now_ms,
                .heard_bytes = now->bytes,
                .boot_ahead_ms = now->boot_ms - now->now_ms,
        };
}

int64_t liveness_silent_ms(const struct liveness *liveness, int64_t now_ms)
{
        return now_ms - liveness->heard_ms;
}

static int64_t next_question_ms(const struct liveness *liveness)
{
        return liveness->heard_ms
               + (int64_t)liveness->interval_s * 1000 * (liveness->unanswered + 1);
}

static bool has_slept(struct liveness *liveness, const struct liveness_now *now)
{
        int64_t ahead = now->boot_ms - now->now_ms;
        int64_t slept = ahead - liveness->boot_ahead_ms;

        liveness->boot_ahead_ms = ahead;
        return slept >= LIVENESS_SUSPEND_MS;
}

static void hear(struct liveness *liveness, const struct liveness_now *now)
{
        if (now->bytes == liveness->heard_bytes)
                return;
        liveness->heard_bytes = now->bytes;
        liveness->heard_ms = now->now_ms;
        liveness->unanswered = 0;
        liveness->awake_by_ms = 0;
}

enum liveness_verdict liveness_look(struct liveness *liveness, const struct liveness_now *now)
{
        hear(liveness, now);
        if (has_slept(liveness, now)) { /* what was heard may have waited in the socket since */
                liveness->awake_by_ms = now->now_ms + LIVENESS_AWAKE_MS;
                return LIVENESS_ASK;
        }
        if (liveness->awake_by_ms != 0 && now->now_ms >= liveness->awake_by_ms)
                return LIVENESS_LOST;
        if (liveness->interval_s == 0 || now->now_ms < next_question_ms(liveness))
                return LIVENESS_FINE;
        if (liveness->unanswered >= liveness->count)
                return LIVENESS_LOST;
        liveness->unanswered++;
        return LIVENESS_ASK;
}

int64_t liveness_due_ms(const struct liveness *liveness, int64_t now_ms)
{
        int64_t due = now_ms + LIVENESS_LOOK_MS;

        if (liveness->interval_s != 0 && next_question_ms(liveness) < due)
                due = next_question_ms(liveness);
        if (liveness->awake_by_ms != 0 && liveness->awake_by_ms < due)
                due = liveness->awake_by_ms;
        return due;
}
