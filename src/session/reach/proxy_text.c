#include "session/reach/proxy_text.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/scoped.h"

static bool write_token(struct buf *out, char token, const struct proxy_place *place)
{
        switch (token) {
        case '%': return buf_append_byte(out, '%');
        case 'h': return buf_append_str(out, place->host);
        case 'p': return buf_printf(out, "%d", place->port);
        case 'r': return buf_append_str(out, place->user);
        case 'n': return buf_append_str(out, place->given);
        case 'k':
                return buf_append_str(out,
                                      place->key_alias != NULL ? place->key_alias : place->given);
        default: /* from a file, not our enum */ return false;
        }
}

static bool is_token(char c)
{
        return c == '%' || c == 'h' || c == 'p' || c == 'r' || c == 'n' || c == 'k';
}

bool proxy_text(const char *command, const struct proxy_place *place, char **out_text,
                struct err *err)
{
        scoped_buf struct buf out;
        bool fits = true;

        buf_init(&out, PROXY_TEXT_MAX);
        for (const char *at = command; *at != 0 && fits; at++) {
                if (*at != '%') {
                        fits = buf_append_byte(&out, (uint8_t)*at);
                        continue;
                }
                at++;
                if (!is_token(*at))
                        return err_set(err, ERR_CONNECT,
                                       "its ProxyCommand has %%%s, which stands for nothing: there "
                                       "are %%h, %%p, %%r, %%n, %%k and %%%%",
                                       log_quote(at, *at != 0));
                fits = write_token(&out, *at, place);
        }
        if (!fits)
                return err_set(err, ERR_LIMIT, "its ProxyCommand is longer than %d bytes",
                               PROXY_TEXT_MAX);
        *out_text = buf_take(&out);
        return true;
}
