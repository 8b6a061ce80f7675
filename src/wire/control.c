#include "wire/control.h"

static void put_str(struct wire_writer *writer, struct str str)
{
        wire_put_bytes(writer, str.ptr, str.len);
}

/* Texts that become C strings: no NUL in them, and not too long. */
static bool is_text(struct str str, size_t max)
{
        for (size_t i = 0; i < str.len; i++)
                if (str.ptr[i] == 0)
                        return false;
        return str.len <= max;
}

bool control_write_hello(struct buf *out, const struct control_hello *hello)
{
        struct wire_writer writer = wire_begin(out, CONTROL_HELLO, 0);

        wire_put_u32(&writer, hello->version);
        wire_put_i64(&writer, hello->pid);
        put_str(&writer, hello->last_refused);
        return wire_end(&writer);
}

bool control_read_hello(const struct frame *frame, struct control_hello *out_hello)
{
        struct wire_reader reader = wire_read(frame);
        struct control_hello hello = { .version = wire_get_u32(&reader) };

        hello.pid = wire_get_i64(&reader);
        hello.last_refused = wire_get_bytes(&reader);
        if (!wire_read_done(&reader) || hello.pid <= 0
            || !is_text(hello.last_refused, CONTROL_NAME_MAX))
                return false;
        *out_hello = hello;
        return true;
}

bool control_write_login(struct buf *out, const struct control_login *login)
{
        struct wire_writer writer = wire_begin(out, CONTROL_LOGIN, 0);

        put_str(&writer, login->host);
        put_str(&writer, login->username);
        put_str(&writer, login->key_filename);
        wire_put_u32(&writer, login->port);
        wire_put_u32(&writer, login->is_for_sudo);
        return wire_end(&writer);
}

bool control_read_login(const struct frame *frame, struct control_login *out_login)
{
        struct wire_reader reader = wire_read(frame);
        struct control_login login = { .host = wire_get_bytes(&reader) };

        login.username = wire_get_bytes(&reader);
        login.key_filename = wire_get_bytes(&reader);
        login.port = wire_get_u32(&reader);
        login.is_for_sudo = wire_get_u32(&reader);
        if (!wire_read_done(&reader) || login.is_for_sudo > 1 || login.host.len == 0 || login.port > UINT16_MAX
            || !is_text(login.host, CONTROL_NAME_MAX) || !is_text(login.username, CONTROL_NAME_MAX)
            || !is_text(login.key_filename, CONTROL_TEXT_MAX))
                return false;
        *out_login = login;
        return true;
}

bool control_write_prompt(struct buf *out, uint64_t number, const struct control_prompt *prompt)
{
        struct wire_writer writer = wire_begin(out, CONTROL_PROMPT, number);

        wire_put_u32(&writer, prompt->is_echoed);
        put_str(&writer, prompt->text);
        put_str(&writer, prompt->instruction);
        return wire_end(&writer);
}

bool control_read_prompt(const struct frame *frame, struct control_prompt *out_prompt)
{
        struct wire_reader reader = wire_read(frame);
        struct control_prompt prompt = { .is_echoed = wire_get_u32(&reader) };

        prompt.text = wire_get_bytes(&reader);
        prompt.instruction = wire_get_bytes(&reader);
        if (!wire_read_done(&reader) || prompt.is_echoed > 1
            || !is_text(prompt.text, CONTROL_TEXT_MAX)
            || !is_text(prompt.instruction, CONTROL_TEXT_MAX))
                return false;
        *out_prompt = prompt;
        return true;
}

bool control_write_answer(struct buf *out, uint64_t number, const struct control_answer *answer)
{
        struct wire_writer writer = wire_begin(out, CONTROL_ANSWER, number);

        wire_put_u32(&writer, answer->is_answered);
        put_str(&writer, answer->answer);
        return wire_end(&writer);
}

bool control_read_answer(const struct frame *frame, struct control_answer *out_answer)
{
        struct wire_reader reader = wire_read(frame);
        struct control_answer answer = { .is_answered = wire_get_u32(&reader) };

        answer.answer = wire_get_bytes(&reader);
        if (!wire_read_done(&reader) || answer.is_answered > 1
            || !is_text(answer.answer, CONTROL_ANSWER_MAX))
                return false;
        *out_answer = answer;
        return true;
}

bool control_write_end(struct buf *out, enum control_kind kind, const char *text)
{
        struct wire_writer writer = wire_begin(out, kind, 0);

        wire_put_text(&writer, text);
        return wire_end(&writer);
}

bool control_read_end(const struct frame *frame, struct str *out_text)
{
        struct wire_reader reader = wire_read(frame);
        struct str text = wire_get_bytes(&reader);

        if (!wire_read_done(&reader) || !is_text(text, CONTROL_TEXT_MAX))
                return false;
        *out_text = text;
        return true;
}
