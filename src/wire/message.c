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
        if (!wire_read_done(&reader))
                return false;
        *out_connect = connect;
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

bool wire_write_two_bytes(struct buf *out, enum wire_kind kind, uint64_t id, struct str first,
                          struct str second)
{
        struct wire_writer writer = wire_begin(out, kind, id);

        put_str(&writer, first);
        put_str(&writer, second);
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
