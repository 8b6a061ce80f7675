#pragma once
/*
 * clock.h - two clocks, one for deadlines and one for people; and a third that tells of sleep.
 *
 * Process: any.
 */
#include <stdint.h>

int64_t clock_now_ms(void);  /* monotonic milliseconds from an arbitrary start */
int64_t clock_boot_ms(void); /* as clock_now_ms(), and the time that the machine slept where it differs */
int64_t clock_wall_ms(void); /* milliseconds since 1970, UTC */

/* Tests: clock_now_ms() answers this from now on; a negative value brings the real clock back. */
void clock_fake_ms(int64_t now_ms);
