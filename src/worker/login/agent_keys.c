#include "worker/login/agent_keys.h"

#include "base/alloc.h"
#include "base/packed.h"
#include "base/scoped.h"
#include "worker/base64.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_MAX       (256 * 1024) /* bytes; OpenSSH's own limit for an agent's message */
#define BLOB_MAX          (16 * 1024)  /* bytes of a key */
#define NAME_MAX_LEN      100          /* characters of a comment */
#define ASK_IDENTITIES    11           /* SSH_AGENTC_REQUEST_IDENTITIES */
#define IDENTITIES_ANSWER 12           /* SSH_AGENT_IDENTITIES_ANSWER */
#define EXTENSION         27           /* SSH_AGENTC_EXTENSION */
#define SUCCESS           6            /* SSH_AGENT_SUCCESS */

static const char select_name[] = "select@mcp-ssh-session";

static bool transfer(int fd, uint8_t *bytes, size_t len, bool is_read)
{
        size_t done = 0;

        while (done < len) {
                ssize_t n = is_read ? recv(fd, bytes + done, len - done, 0)
                                    : send(fd, bytes + done, len - done, MSG_NOSIGNAL);
                if (n > 0) {
                        done += (size_t)n;
                } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                        struct pollfd poll_fd = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
                        (void)poll(&poll_fd, 1, -1); /* interrupted: the loop asks again */
                } else {
                        return false;
                }
        }
        return true;
}

static void put_number(struct buf *out, size_t number)
{
        uint8_t bytes[PACKED_NUMBER_LEN];

        packed_put_number(bytes, (uint32_t)number);
        (void)buf_append(out, bytes, sizeof bytes); /* the callers' messages fit */
}

/* Sends the body as a message and receives the answer's body. */
static bool ask(int fd, const struct buf *body, struct buf *answer)
{
        scoped_buf struct buf message;
        uint8_t length[PACKED_NUMBER_LEN];

        buf_init(&message, PACKED_NUMBER_LEN + MESSAGE_MAX);
        put_number(&message, body->len);
        if (!buf_append(&message, body->data, body->len)
            || !transfer(fd, message.data, message.len, false)
            || !transfer(fd, length, sizeof length, true))
                return false;
        size_t len = packed_number_at(length);
        if (len == 0 || len > MESSAGE_MAX || !buf_reserve(answer, len)
            || !transfer(fd, answer->data, len, true))
                return false;
        answer->len = len;
        return true;
}

static bool take_key(struct agent_keys *keys, struct str *rest)
{
        struct str blob;
        struct str comment;
        struct str type;

        if (!packed_take(rest, &blob) || !packed_take(rest, &comment) || blob.len > BLOB_MAX)
                return false;
        struct str inside = blob;
        if (!packed_take(&inside, &type))
                return false;
        if (comment.len > NAME_MAX_LEN)
                comment.len = NAME_MAX_LEN;
        keys->items[keys->count++] = (struct agent_key){
                .base64 = base64_encode((const uint8_t *)blob.ptr, blob.len),
                .type = xstrndup(type.ptr, type.len),
                .name = comment.len > 0 ? xstrndup(comment.ptr, comment.len) : xstrdup("no name"),
        };
        return true;
}

bool agent_keys_load(struct agent_keys *keys, int fd)
{
        scoped_buf struct buf request;
        scoped_buf struct buf answer;

        buf_init(&request, 1);
        buf_init(&answer, MESSAGE_MAX);
        *keys = (struct agent_keys){ 0 };
        if (!buf_append_byte(&request, ASK_IDENTITIES) || !ask(fd, &request, &answer)
            || answer.len < 1 + PACKED_NUMBER_LEN || answer.data[0] != IDENTITIES_ANSWER)
                return false;
        size_t left = packed_number_at(answer.data + 1);
        struct str rest = { (const char *)answer.data + 1 + PACKED_NUMBER_LEN,
                            answer.len - 1 - PACKED_NUMBER_LEN };
        for (; left > 0 && keys->count < AGENT_KEYS_MAX; left--)
                if (!take_key(keys, &rest)) {
                        agent_keys_fini(keys);
                        return false;
                }
        return true;
}

void agent_keys_fini(struct agent_keys *keys)
{
        for (size_t i = 0; i < keys->count; i++) {
                free(keys->items[i].base64);
                free(keys->items[i].type);
                free(keys->items[i].name);
        }
        *keys = (struct agent_keys){ 0 };
}

bool agent_keys_select(int fd, const struct agent_key *key)
{
        scoped_buf struct buf request;
        scoped_buf struct buf answer;
        uint8_t blob[BLOB_MAX + 2]; /* the decoder counts padding first */
        size_t len = 0;

        buf_init(&request, BLOB_MAX + 64);
        buf_init(&answer, MESSAGE_MAX);
        if (key != NULL && !base64_decode(key->base64, blob, sizeof blob, &len))
                return false;
        (void)buf_append_byte(&request, EXTENSION); /* it all fits */
        put_number(&request, strlen(select_name));
        (void)buf_append_str(&request, select_name);
        put_number(&request, len);
        return buf_append(&request, blob, len) && ask(fd, &request, &answer)
               && answer.data[0] == SUCCESS;
}
