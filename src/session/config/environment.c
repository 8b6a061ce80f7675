#include "session/config/environment.h"

#include "base/pattern.h"

#include <ctype.h>
#include <string.h>

struct sent {
        struct str names[ENVIRONMENT_MAX];
        unsigned count;
};

static bool is_name(struct str name)
{
        if (name.len == 0 || isdigit((unsigned char)name.ptr[0]))
                return false;
        for (size_t i = 0; i < name.len; i++)
                if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
                        return false;
        return true;
}

static bool was_sent(const struct sent *sent, struct str name)
{
        for (unsigned i = 0; i < sent->count; i++)
                if (sent->names[i].len == name.len
                    && memcmp(sent->names[i].ptr, name.ptr, name.len) == 0)
                        return true;
        return false;
}

/* "NAME=value" into its two halves. */
static bool split(const char *assignment, struct str *out_name, struct str *out_value)
{
        const char *equals = strchr(assignment, '=');

        if (equals == NULL)
                return false;
        *out_name = (struct str){ assignment, (size_t)(equals - assignment) };
        *out_value = str_of(equals + 1);
        return is_name(*out_name) && out_value->len <= ENVIRONMENT_VALUE_MAX;
}

static bool send(struct sent *sent, const char *assignment, environment_visit *visit, void *arg)
{
        struct str name;
        struct str value;

        if (!split(assignment, &name, &value) || was_sent(sent, name)
            || sent->count == ENVIRONMENT_MAX)
                return true;
        sent->names[sent->count++] = name;
        return visit(arg, name, value);
}

static bool is_wanted(const struct word_list *patterns, const char *assignment)
{
        const char *equals = strchr(assignment, '=');

        for (unsigned i = 0; equals != NULL && i < patterns->count; i++)
                if (pattern_matches(str_of(patterns->words[i]),
                                    (struct str){ assignment, (size_t)(equals - assignment) }))
                        return true;
        return false;
}

bool environment_each(const struct ssh_config *config, char *const *environ_now,
                      environment_visit *visit, void *arg)
{
        struct sent sent = { .count = 0 };

        for (unsigned i = 0; i < config->set_env.count; i++)
                if (!send(&sent, config->set_env.words[i], visit, arg))
                        return false;
        for (; config->send_env.count > 0 && *environ_now != NULL; environ_now++)
                if (is_wanted(&config->send_env, *environ_now)
                    && !send(&sent, *environ_now, visit, arg))
                        return false;
        return true;
}
