#pragma once
/*
 * environment.h - the variables that a host's configuration sends along: SendEnv and SetEnv.
 *
 * ssh_config(5). A server takes only what its AcceptEnv allows (RFC 4254 6.4).
 *
 * Process: supervisor. Pure.
 */
#include "session/config/ssh_config.h"

#define ENVIRONMENT_MAX       64   /* variables; more are left out */
#define ENVIRONMENT_VALUE_MAX 8192 /* bytes; a longer value is left out */

/* Calls visit for each, once a name: SetEnv wins over SendEnv, an earlier one over a later one. */
typedef bool environment_visit(void *arg, struct str name, struct str value);
bool environment_each(const struct ssh_config *config, char *const *environ_now,
                      environment_visit *visit, void *arg); /* false: visit said so */
