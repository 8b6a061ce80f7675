#pragma once
/*
 * config_source.h - where the operator says that a host's configuration comes from.
 *
 * Process: supervisor.
 */
#define CONFIG_OPTIONS_MAX 32 /* of ssh's -o; one more is refused */

struct config_source {
        const char *file;                  /* for `ssh -F`; NULL: the user's own */
        char *options[CONFIG_OPTIONS_MAX]; /* for `ssh -o`, "Keyword=value" */
        unsigned option_count;
};
