#include "base/err.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
        va_list args;

        err->code = code;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, args); /* cut when too long: documented */
        va_end(args);
        return false;
}

bool err_context(struct err *err, const char *fmt, ...)
{
        char was[ERR_TEXT_MAX];
        va_list args;

        memcpy(was, err->text, sizeof was);
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
        strncat(err->text, ": ", sizeof err->text - strlen(err->text) - 1);
        strncat(err->text, was, sizeof err->text - strlen(err->text) - 1);
        return false;
}

const char *err_code_name(enum err_code code)
{
        switch (code) {
        case ERR_NONE:      return "none";
        case ERR_INPUT:     return "input";
        case ERR_NOT_FOUND: return "not_found";
        case ERR_STATE:     return "state";
        case ERR_LIMIT:     return "limit";
        case ERR_TIMEOUT:   return "timeout";
        case ERR_CANCELLED: return "cancelled";
        case ERR_CONNECT:   return "connect";
        case ERR_HOST_KEY:  return "host_key";
        case ERR_AUTH:      return "auth";
        case ERR_REMOTE:    return "remote";
        case ERR_PROTOCOL:  return "protocol";
        case ERR_SYSTEM:    return "system";
        case ERR_CODES:     break;
        }
        bug("err_code %d", (int)code);
}
