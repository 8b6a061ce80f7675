#include "wire/message.h"

#include "base/log.h"

static void put_str(struct wire_writer *writer, struct str str)
{
        wire_put_bytes(writer, str.ptr, str.len);
}

bool wire_write_connect(struct buf *out, const struct wire_connect *connect)
{
        struct wire_writer writer = wire_begin(out, WIRE_CONNECT, 0);

        put_str(&writer, connect->user);
        put_str(&writer, connect->host_key_algorithms);
        put_str(&writer, connect->password);
        wire_put_u32(&writer, connect->use_agent);
        wire_put_u32(&writer, connect->keepalive_s);
        wire_put_u32(&writer, connect->keepalive_count);
        wire_put_u32(&writer, connect->timeout_s);
        wire_put_u32(&writer, connect->compression);
        wire_put_u32(&writer, connect->keys_before_agent);
        put_str(&writer, connect->kex);
        put_str(&writer, connect->ciphers);
        put_str(&writer, connect->macs);
        put_str(&writer, connect->public_key_algorithms);
        put_str(&writer, connect->auth_methods);
        wire_put_u32(&writer, connect->rsa_min_bits);
        wire_put_u32(&writer, connect->may_prompt);
        wire_put_u32(&writer, connect->password_prompts);
        return wire_end(&writer);
}

bool wire_read_connect(const struct frame *frame, struct wire_connect *out_connect)
{
        struct wire_reader reader = wire_read(frame);
        struct wire_connect connect = {
                .user = wire_get_bytes(&reader),
                .host_key_algorithms = wire_get_bytes(&reader),
                .password = wire_get_bytes(&reader),
        };

        connect.use_agent = wire_get_u32(&reader);
        connect.keepalive_s = wire_get_u32(&reader);
        connect.keepalive_count = wire_get_u32(&reader);
        connect.timeout_s = wire_get_u32(&reader);
        connect.compression = wire_get_u32(&reader);
        connect.keys_before_agent = wire_get_u32(&reader);
        connect.kex = wire_get_bytes(&reader);
        connect.ciphers = wire_get_bytes(&reader);
        connect.macs = wire_get_bytes(&reader);
        connect.public_key_algorithms = wire_get_bytes(&reader);
        connect.auth_methods = wire_get_bytes(&reader);
        connect.rsa_min_bits = wire_get_u32(&reader);
        connect.may_prompt = wire_get_u32(&reader);
        connect.password_prompts = wire_get_u32(&reader);
        if (!wire_read_done(&reader))
                return false;
        *out_connect = connect;
        return true;
}

bool wire_write_key(struct buf *out, const struct wire_key *key)
{
        struct wire_writer writer = wire_begin(out, WIRE_KEY, 0);

        put_str(&writer, key->name);
        put_str(&writer, key->pem);
        put_str(&writer, key->passphrase);
        put_str(&writer, key->certificate);
        put_str(&writer, key->public_key);
        return wire_end(&writer);
}

bool wire_read_key(const struct frame *frame, struct wire_key *out_key)
{
        struct wire_reader reader = wire_read(frame);
        struct wire_key key = { .name = wire_get_bytes(&reader) };

        key.pem = wire_get_bytes(&reader);
        key.passphrase = wire_get_bytes(&reader);
        key.certificate = wire_get_bytes(&reader);
        key.public_key = wire_get_bytes(&reader);
        if (!wire_read_done(&reader))
                return false;
        *out_key = key;
        return true;
}

bool wire_write_prompt(struct buf *out, const struct wire_prompt *prompt)
{
        struct wire_writer writer = wire_begin(out, WIRE_PROMPT, 0);

        wire_put_u32(&writer, prompt->kind);
        wire_put_u32(&writer, prompt->echo);
        wire_put_u32(&writer, prompt->key);
        put_str(&writer, prompt->text);
        put_str(&writer, prompt->instruction);
        return wire_end(&writer);
}

bool wire_read_prompt(const struct frame *frame, struct wire_prompt *out_prompt)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t kind = wire_get_u32(&reader);
        struct wire_prompt prompt = { .echo = wire_get_u32(&reader) };

        prompt.key = wire_get_u32(&reader);
        prompt.text = wire_get_bytes(&reader);
        prompt.instruction = wire_get_bytes(&reader);
        if (!wire_read_done(&reader) || kind >= WIRE_PROMPT_KINDS || prompt.echo > 1)
                return false;
        prompt.kind = (enum wire_prompt_kind)kind;
        *out_prompt = prompt;
        return true;
}

bool wire_write_secret(struct buf *out, const struct wire_secret *secret)
{
        struct wire_writer writer = wire_begin(out, WIRE_SECRET, 0);

        wire_put_u32(&writer, secret->kind);
        wire_put_u32(&writer, secret->key);
        wire_put_u32(&writer, secret->is_good);
        return wire_end(&writer);
}

bool wire_read_secret(const struct frame *frame, struct wire_secret *out_secret)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t kind = wire_get_u32(&reader);
        struct wire_secret secret = { .key = wire_get_u32(&reader) };

        secret.is_good = wire_get_u32(&reader);
        if (!wire_read_done(&reader) || kind >= WIRE_PROMPT_INTERACTIVE || secret.is_good > 1)
                return false;
        secret.kind = (enum wire_prompt_kind)kind;
        *out_secret = secret;
        return true;
}

bool wire_write_end(struct buf *out, enum wire_kind kind, uint64_t id, const struct wire_end *end)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        wire_put_u32(&writer, end->how);
        wire_put_i64(&writer, end->status);
        put_str(&writer, end->signal);
        put_str(&writer, end->cwd);
        put_str(&writer, end->text);
        wire_put_u32(&writer, end->shell_gone);
        return wire_end(&writer);
}

bool wire_read_end(const struct frame *frame, struct wire_end *out_end)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t how = wire_get_u32(&reader);
        int64_t status = wire_get_i64(&reader);
        struct wire_end end = { .how = how < WIRE_HOW_KINDS ? (enum wire_how)how : WIRE_HOW_UNKNOWN };

        end.signal = wire_get_bytes(&reader);
        end.cwd = wire_get_bytes(&reader);
        end.text = wire_get_bytes(&reader);
        end.shell_gone = wire_get_u32(&reader);
        if (!wire_read_done(&reader) || how >= WIRE_HOW_KINDS || status < -1 || status > INT32_MAX
            || end.signal.len >= WIRE_SIGNAL_NAME_MAX)
                return false;
        end.status = (int32_t)status;
        *out_end = end;
        return true;
}

bool wire_write_bare(struct buf *out, enum wire_kind kind, uint64_t id)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        return wire_end(&writer);
}

bool wire_write_bytes(struct buf *out, enum wire_kind kind, uint64_t id, const void *bytes,
                      size_t len)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        wire_put_bytes(&writer, bytes, len);
        return wire_end(&writer);
}

bool wire_write_u32_bytes(struct buf *out, enum wire_kind kind, uint64_t id, uint32_t number,
                          const void *bytes, size_t len)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        wire_put_u32(&writer, number);
        wire_put_bytes(&writer, bytes, len);
        return wire_end(&writer);
}

bool wire_write_sudo(struct buf *out, uint64_t command, const struct wire_sudo *sudo)
{
        struct wire_writer writer = wire_begin(out, WIRE_RUN_SUDO, command);

        wire_put_u32(&writer, sudo->own_at);
        put_str(&writer, sudo->password);
        put_str(&writer, sudo->whom);
        put_str(&writer, sudo->why_none);
        return wire_end(&writer);
}

bool wire_read_sudo(const struct frame *frame, struct wire_sudo *out_sudo)
{
        struct wire_reader reader = wire_read(frame);
        struct wire_sudo sudo = { .own_at = wire_get_u32(&reader) };

        sudo.password = wire_get_bytes(&reader);
        sudo.whom = wire_get_bytes(&reader);
        sudo.why_none = wire_get_bytes(&reader);
        if (!wire_read_done(&reader))
                return false;
        *out_sudo = sudo;
        return true;
}

bool wire_write_two_bytes(struct buf *out, enum wire_kind kind, uint64_t id, struct str first,
                          struct str second)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        put_str(&writer, first);
        put_str(&writer, second);
        return wire_end(&writer);
}

bool wire_write_u32(struct buf *out, enum wire_kind kind, uint64_t id, uint32_t number)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        wire_put_u32(&writer, number);
        return wire_end(&writer);
}

bool wire_write_ready(struct buf *out, struct str server, struct str method, struct str algorithms)
{
        struct wire_writer writer = wire_begin(out, WIRE_READY, 0);

        put_str(&writer, server);
        put_str(&writer, method);
        put_str(&writer, algorithms);
        return wire_end(&writer);
}

bool wire_write_shell_ready(struct buf *out, uint64_t id, struct str program, int64_t pid)
{
        struct wire_writer writer = wire_begin(out, WIRE_SHELL_READY, id);

        put_str(&writer, program);
        wire_put_i64(&writer, pid);
        return wire_end(&writer);
}

const char *wire_awaiting_name(enum wire_awaiting awaiting)
{
        switch (awaiting) {
        case WIRE_AWAITING_NOTHING:  return "nothing";
        case WIRE_AWAITING_PASSWORD: return "password";
        case WIRE_AWAITING_LINE:     return "line";
        case WIRE_AWAITING_PROGRAM:  return "program";
        case WIRE_AWAITING_SHELL:    return "shell";
        case WIRE_AWAITING_KINDS:    break;
        }
        bug("wire_awaiting %d", (int)awaiting);
}
