#include "mcp/args.h"

#include "base/log.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED_MAX 60 /* bytes of a wrong name or value in an error */

/* Shows at most QUOTED_MAX bytes of what the client sent, whole characters. */
#define QUOTED(text, len) (int)utf8_cut((text), (len) < QUOTED_MAX ? (len) : QUOTED_MAX), (text)

/* ---- one value ---- */

static bool check_string(const struct arg *arg, const json_t *value, struct arg_value *out_value,
                         struct err *err)
{
        size_t max = arg->max > 0 ? (size_t)arg->max : ARG_TEXT_MAX;

        if (!json_is_string(value))
                return err_set(err, ERR_INPUT, "%s has to be a string", arg->name);
        struct str text = { json_string_value(value), json_string_length(value) };
        if (text.len == 0 && !arg->may_be_empty && arg->required)
                return err_set(err, ERR_INPUT, "%s must not be empty", arg->name);
        if (text.len > max)
                return err_set(err, ERR_INPUT, "%s is %zu bytes long; %zu are allowed", arg->name,
                               text.len, max);
        if (!arg->may_hold_nul && memchr(text.ptr, '\0', text.len) != NULL)
                return err_set(err, ERR_INPUT,
                               "%s holds a NUL character, which no shell can take; leave it out",
                               arg->name);
        out_value->is_given = text.len > 0 || arg->may_be_empty;
        out_value->text = text;
        return true;
}

static bool wrong_int(const struct arg *arg, struct err *err)
{
        return err_set(err, ERR_INPUT, "%s has to be a whole number from %" PRId64 " to %" PRId64,
                       arg->name, arg->min, arg->max);
}

static bool check_int(const struct arg *arg, const json_t *value, struct arg_value *out_value,
                      struct err *err)
{
        long long number = 0;

        if (json_is_integer(value)) {
                number = json_integer_value(value);
        } else if (json_is_real(value)) {
                double real = json_real_value(value);

                if (!(real >= (double)arg->min && real <= (double)arg->max))
                        return wrong_int(arg, err);
                number = (long long)real;
                if (real - (double)number > 0 || real - (double)number < 0)
                        return wrong_int(arg, err);
        } else {
                struct str text = { json_string_value(value), json_string_length(value) };

                if (!json_is_string(value) || !str_number(str_trim(text), &number))
                        return wrong_int(arg, err);
        }
        if (number < arg->min || number > arg->max)
                return wrong_int(arg, err);
        out_value->is_given = true;
        out_value->number = number;
        return true;
}

static bool check_bool(const struct arg *arg, const json_t *value, struct arg_value *out_value,
                       struct err *err)
{
        const char *text = json_string_value(value);
        bool is_true = json_is_true(value) || (text != NULL && strcmp(text, "true") == 0);

        if (!is_true && !json_is_false(value) && (text == NULL || strcmp(text, "false") != 0))
                return err_set(err, ERR_INPUT, "%s has to be true or false", arg->name);
        out_value->is_given = true;
        out_value->number = is_true ? 1 : 0;
        return true;
}

static bool check_value(const struct arg *arg, const json_t *value, struct arg_value *out_value,
                        struct err *err)
{
        switch (arg->kind) {
        case ARG_STRING: return check_string(arg, value, out_value, err);
        case ARG_INT:    return check_int(arg, value, out_value, err);
        case ARG_BOOL:   return check_bool(arg, value, out_value, err);
        }
        bug("argument %s: kind %d", arg->name, (int)arg->kind);
}

static void take_fallback(const struct arg *arg, struct arg_value *out_value)
{
        if (arg->fallback == NULL)
                return;
        out_value->is_given = true;
        switch (arg->kind) {
        case ARG_STRING: out_value->text = str_of(arg->fallback); return;
        case ARG_INT:    out_value->number = strtoll(arg->fallback, NULL, 10); return;
        case ARG_BOOL:   out_value->number = strcmp(arg->fallback, "true") == 0; return;
        }
        bug("argument %s: kind %d", arg->name, (int)arg->kind);
}

/* ---- all of them ---- */

static const struct arg *find_arg(const struct tool *tool, const char *name)
{
        for (const struct arg *arg = tool->args; arg->name != NULL; arg++)
                if (strcmp(arg->name, name) == 0)
                        return arg;
        return NULL;
}

static bool unknown_argument(const struct tool *tool, const char *name, struct err *err)
{
        char allowed[ERR_TEXT_MAX] = "";

        for (const struct arg *arg = tool->args; arg->name != NULL; arg++) {
                if (allowed[0] != '\0')
                        strncat(allowed, ", ", sizeof allowed - strlen(allowed) - 1);
                strncat(allowed, arg->name, sizeof allowed - strlen(allowed) - 1);
        }
        return err_set(err, ERR_INPUT, "%s has no argument '%.*s'; %s%s", tool->name,
                       QUOTED(name, strlen(name)),
                       allowed[0] != '\0' ? "it has: " : "it has none at all", allowed);
}

bool args_check(struct args *out_args, const struct tool *tool, json_t *arguments,
                struct err *err)
{
        struct args args = { .tool = tool };
        const char *name;
        json_t *value;

        json_object_foreach(arguments, name, value)
                if (find_arg(tool, name) == NULL)
                        return unknown_argument(tool, name, err);
        for (size_t i = 0; tool->args[i].name != NULL; i++) {
                const struct arg *arg = &tool->args[i];

                value = json_object_get(arguments, arg->name);
                if (value != NULL && !json_is_null(value)
                    && !check_value(arg, value, &args.values[i], err))
                        return false;
                if (args.values[i].is_given)
                        continue;
                if (arg->required)
                        return err_set(err, ERR_INPUT, "%s is missing: %s", arg->name, arg->help);
                take_fallback(arg, &args.values[i]);
        }
        *out_args = args;
        return true;
}

/* ---- asking ---- */

static const struct arg_value *get(const struct args *args, const char *name)
{
        const struct arg *arg = find_arg(args->tool, name);

        if (arg == NULL)
                bug("%s has no argument %s", args->tool->name, name);
        return &args->values[arg - args->tool->args];
}

const char *args_text(const struct args *args, const char *name)
{
        return get(args, name)->text.ptr;
}

struct str args_str(const struct args *args, const char *name)
{
        return get(args, name)->text;
}

int64_t args_int(const struct args *args, const char *name)
{
        return get(args, name)->number;
}

bool args_bool(const struct args *args, const char *name)
{
        return get(args, name)->number != 0;
}

bool args_has(const struct args *args, const char *name)
{
        return get(args, name)->is_given;
}
