#pragma once
/*
 * common.h - argument rows that several tools share, word for word.
 *
 * Process: supervisor.
 */
#include "mcp/tool.h"

#define WAIT_MAX_S 3600               /* longest a call waits; clients give up long before */
#define OFFSET_MAX (INT64_C(1) << 53) /* what a JSON number holds exactly */

#define ARG_HOST                                                                                   \
        { .name = "host", .kind = ARG_STRING, .required = true,                                    \
          .help = "Name, alias, user@host[:port]" }
#define ARG_USERNAME { .name = "username", .kind = ARG_STRING, .help = "Login name" }
#define ARG_PASSWORD                                                                               \
        { .name = "password", .kind = ARG_STRING, .help = "SSH password; prefer keys" }
#define ARG_KEY_FILENAME                                                                           \
        { .name = "key_filename", .kind = ARG_STRING, .help = "Private key file here" }
#define ARG_PORT                                                                                   \
        { .name = "port", .kind = ARG_INT, .help = "SSH port", .min = 1, .max = 65535 }
#define ARG_SESSION                                                                                \
        { .name = "session", .kind = ARG_STRING,                                                   \
          .help = "Name of another shell there" }
#define ARG_COMMAND_ID                                                                             \
        { .name = "command_id", .kind = ARG_STRING, .required = true, .help = "ID of the command" }
#define ARG_MAX_CHARS                                                                              \
        { .name = "max_chars", .kind = ARG_INT, .min = EXCERPT_MAX_MIN, .max = EXCERPT_MAX_MAX,    \
          .fallback = "12000", .help = "Most output" }
