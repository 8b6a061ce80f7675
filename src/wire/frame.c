#include "wire/frame.h"

#include <string.h>

enum frame_parse frame_parse(const uint8_t *bytes, size_t len, struct frame *out_frame,
                             size_t *out_used)
{
        uint32_t payload_len;

        if (len < WIRE_HEADER_LEN)
                return FRAME_MORE;
        memcpy(&payload_len, bytes, sizeof payload_len);
        if (payload_len > WIRE_PAYLOAD_MAX)
                return FRAME_BAD;
        if (len - WIRE_HEADER_LEN < payload_len)
                return FRAME_MORE;

        memcpy(&out_frame->kind, bytes + 4, sizeof out_frame->kind);
        memcpy(&out_frame->id, bytes + 8, sizeof out_frame->id);
        out_frame->payload = bytes + WIRE_HEADER_LEN;
        out_frame->len = payload_len;
        *out_used = WIRE_HEADER_LEN + payload_len;
        return FRAME_READY;
}

static void put(struct wire_writer *writer, const void *bytes, size_t len)
{
        if (!writer->broken && !buf_append(writer->out, bytes, len))
                writer->broken = true;
}

struct wire_writer wire_begin(struct buf *out, uint32_t kind, uint64_t id)
{
        struct wire_writer writer = { .out = out, .start = out->len };
        uint32_t len_later = 0;

        put(&writer, &len_later, sizeof len_later);
        put(&writer, &kind, sizeof kind);
        put(&writer, &id, sizeof id);
        return writer;
}

void wire_put_u32(struct wire_writer *writer, uint32_t number)
{
        put(writer, &number, sizeof number);
}

void wire_put_i64(struct wire_writer *writer, int64_t number)
{
        put(writer, &number, sizeof number);
}

void wire_put_bytes(struct wire_writer *writer, const void *bytes, size_t len)
{
        if (len > WIRE_PAYLOAD_MAX) {
                writer->broken = true;
                return;
        }
        wire_put_u32(writer, (uint32_t)len);
        put(writer, bytes, len);
}

void wire_put_text(struct wire_writer *writer, const char *text)
{
        wire_put_bytes(writer, text, text != NULL ? strlen(text) : 0);
}

bool wire_end(struct wire_writer *writer)
{
        struct buf *out = writer->out;

        if (!writer->broken && out->len - writer->start - WIRE_HEADER_LEN <= WIRE_PAYLOAD_MAX) {
                uint32_t len = (uint32_t)(out->len - writer->start - WIRE_HEADER_LEN);
                memcpy(out->data + writer->start, &len, sizeof len);
                return true;
        }
        out->len = writer->start;
        if (out->data != NULL)
                out->data[out->len] = 0;
        return false;
}

struct wire_reader wire_read(const struct frame *frame)
{
        return (struct wire_reader){ .at = frame->payload, .left = frame->len };
}

static const uint8_t *get(struct wire_reader *reader, size_t len)
{
        const uint8_t *at = reader->at;

        if (reader->bad || reader->left < len) {
                reader->bad = true;
                return NULL;
        }
        reader->at += len;
        reader->left -= len;
        return at;
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
        uint32_t number = 0;
        const uint8_t *at = get(reader, sizeof number);

        if (at != NULL)
                memcpy(&number, at, sizeof number);
        return number;
}

int64_t wire_get_i64(struct wire_reader *reader)
{
        int64_t number = 0;
        const uint8_t *at = get(reader, sizeof number);

        if (at != NULL)
                memcpy(&number, at, sizeof number);
        return number;
}

struct str wire_get_bytes(struct wire_reader *reader)
{
        uint32_t len = wire_get_u32(reader);
        const uint8_t *at = get(reader, len);

        return at != NULL ? (struct str){ (const char *)at, len } : (struct str){ "", 0 };
}

bool wire_read_done(const struct wire_reader *reader)
{
        return !reader->bad && reader->left == 0;
}
