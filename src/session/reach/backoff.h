#pragma once
/*
 * backoff.h - a pause after each failed connect to a host: 1, 2, 4 … BACKOFF_MAX_MS.
 *
 * For hosts that cannot be reached or go away while a connection is made. A refused log-in has a
 * limit of its own (auth_limits.h), and a wrong host key needs a person.
 *
 * Process: supervisor. Pure: the caller says what time it is.
 * Memory:  at most BACKOFF_HOSTS; the one that failed longest ago is forgotten.
 */
#include <stdint.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS   60000
#define BACKOFF_HOSTS    256

struct backoff;

struct backoff *backoff_new(void);
void backoff_free(struct backoff *backoff);

/* How long an attempt has to wait, 0: not at all. host: "host port N". */
int64_t backoff_wait_ms(const struct backoff *backoff, const char *host, int64_t now_ms);

/* Returns how many have failed in a row, this one included; *out_pause_ms is for the next. */
unsigned backoff_failed(struct backoff *backoff, const char *host, int64_t now_ms,
                        int64_t *out_pause_ms);
void backoff_succeeded(struct backoff *backoff, const char *host);
