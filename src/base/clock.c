#include "base/clock.h"

#include <time.h>

static int64_t fake_ms = -1; /* -1: the real clock */

static int64_t read_ms(clockid_t id)
{
        struct timespec now;

        (void)clock_gettime(id, &now); /* fails only for clocks that do not exist */
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
        return fake_ms >= 0 ? fake_ms : read_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
#ifdef CLOCK_BOOTTIME
        return read_ms(CLOCK_BOOTTIME);
#else
        return clock_now_ms();
#endif
}

int64_t clock_wall_ms(void)
{
        return read_ms(CLOCK_REALTIME);
}

void clock_fake_ms(int64_t now_ms)
{
        fake_ms = now_ms;
}
