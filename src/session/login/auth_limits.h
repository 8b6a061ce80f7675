#pragma once
/*
 * auth_limits.h - no more than AUTH_FAILURES_MAX failed log-ins to a host in AUTH_WINDOW_MS.
 *
 * Hosts lock accounts and addresses after a few failures; a model that tries passwords must not
 * bring that about.
 *
 * Process: supervisor. Pure: the caller says what time it is.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define AUTH_FAILURES_MAX  3
#define AUTH_WINDOW_MS     ((int64_t)10 * 60 * 1000)
#define AUTH_LIMITED_HOSTS 256 /* remembered; the one that failed longest ago is forgotten */

struct auth_limits;

struct auth_limits *auth_limits_new(void);
void auth_limits_free(struct auth_limits *limits);

/* host: "host:port". ERR_AUTH, with the time until it may be tried again. */
bool auth_limits_allow(const struct auth_limits *limits, const char *host, int64_t now_ms,
                       struct err *err);
void auth_limits_failed(struct auth_limits *limits, const char *host, int64_t now_ms);
void auth_limits_succeeded(struct auth_limits *limits, const char *host);
