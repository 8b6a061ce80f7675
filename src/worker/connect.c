#include "worker/connect.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "wire/message.h"
#include "worker/auth.h"
#include "worker/base64.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define HOST_KEY_MAX (16 * 1024) /* bytes of a public key blob */

/*
 * No finite-field Diffie-Hellman: this libssh does not check the peer's value. AES-GCM only
 * where the build found a libssh that checks its tags (CVE-2026-59847); chacha20 last, because
 * libssh cannot tell whether strict key exchange was agreed on.
 */
#define KEX_ALGORITHMS                                                                             \
        "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"   \
        "ecdh-sha2-nistp521"
#ifdef LIBSSH_GCM_IS_SOUND
#define CIPHERS                                                                                    \
        "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr,"         \
        "chacha20-poly1305@openssh.com"
#else
#define CIPHERS "aes256-ctr,aes192-ctr,aes128-ctr,chacha20-poly1305@openssh.com"
#endif
#define MACS                                                                                       \
        "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"

/* What the supervisor sends before it starts: keys, then how to connect. */
struct plan {
        struct auth_key keys[AUTH_KEYS_MAX];
        size_t key_count;
        struct buf connect_payload; /* the frame's bytes, which connect borrows from */
        struct wire_connect connect;
};

static void plan_fini(struct plan *plan)
{
        for (size_t i = 0; i < plan->key_count; i++) {
                secret_wipe(plan->keys[i].pem, plan->keys[i].pem_len);
                free(plan->keys[i].pem);
                free(plan->keys[i].name);
        }
        if (plan->connect_payload.data != NULL)
                secret_wipe(plan->connect_payload.data, plan->connect_payload.len);
        buf_fini(&plan->connect_payload);
}

static bool take_key(struct plan *plan, const struct frame *frame, struct err *err)
{
        struct wire_reader reader = wire_read(frame);
        struct str name = wire_get_bytes(&reader);
        struct str pem = wire_get_bytes(&reader);

        if (!wire_read_done(&reader) || plan->key_count == AUTH_KEYS_MAX)
                return err_set(err, ERR_PROTOCOL, "a key that does not fit");
        plan->keys[plan->key_count++] = (struct auth_key){
                .name = xstrndup(name.ptr, name.len),
                .pem = xstrndup(pem.ptr, pem.len),
                .pem_len = pem.len,
        };
        return true;
}

static bool take_connect(struct plan *plan, const struct frame *frame, struct err *err)
{
        struct frame copy = *frame;

        if (!buf_append(&plan->connect_payload, frame->payload, frame->len))
                return err_set(err, ERR_PROTOCOL, "instructions that do not fit");
        copy.payload = plan->connect_payload.data;
        if (!wire_read_connect(&copy, &plan->connect))
                return err_set(err, ERR_PROTOCOL, "instructions that cannot be read");
        return true;
}

/* The next frame, waiting for it. */
static bool next_frame(struct frame_socket *frames, struct frame *out_frame, struct err *err)
{
        while (!frame_socket_next(frames, out_frame)) {
                struct pollfd poll_fd = { .fd = frames->fd, .events = POLLIN };
                (void)poll(&poll_fd, 1, -1); /* interrupted: the loop asks again */
                if (!frame_socket_receive(frames))
                        return err_set(err, ERR_SYSTEM, "the supervisor is gone");
        }
        return true;
}

static bool receive_plan(struct frame_socket *frames, struct plan *plan, struct err *err)
{
        struct frame frame;

        for (;;) {
                if (!next_frame(frames, &frame, err))
                        return false;
                if (frame.kind == WIRE_CONNECT)
                        return take_connect(plan, &frame, err);
                if (frame.kind != WIRE_KEY)
                        return err_set(err, ERR_PROTOCOL, "frame %u before the instructions",
                                       frame.kind);
                if (!take_key(plan, &frame, err))
                        return false;
        }
}

static bool option(ssh_session ssh, enum ssh_options_e name, const void *value, struct err *err)
{
        if (ssh_options_set(ssh, name, value) != 0)
                return err_set(err, ERR_CONNECT, "SSH option %d: %s", (int)name, ssh_get_error(ssh));
        return true;
}

static bool set_options(ssh_session ssh, int fd, const struct plan *plan, struct err *err)
{
        const struct wire_connect *connect = &plan->connect;
        bool no_config = false;
        long timeout_s = (long)connect->timeout_s;
        char *user = xstrndup(connect->user.ptr, connect->user.len);
        char *host_keys = xstrndup(connect->host_key_algorithms.ptr,
                                   connect->host_key_algorithms.len);
        /*
         * The host's name is only for libssh's own texts: the socket is connected already. The
         * directory keeps it from asking for the account's home, which the sandbox forbids.
         */
        bool ok = option(ssh, SSH_OPTIONS_PROCESS_CONFIG, &no_config, err)
               && option(ssh, SSH_OPTIONS_FD, &fd, err)
               && option(ssh, SSH_OPTIONS_HOST, "host", err)
               && option(ssh, SSH_OPTIONS_SSH_DIR, "/", err)
               && option(ssh, SSH_OPTIONS_USER, user, err)
               && option(ssh, SSH_OPTIONS_TIMEOUT, &timeout_s, err)
               && option(ssh, SSH_OPTIONS_KEY_EXCHANGE, KEX_ALGORITHMS, err)
               && option(ssh, SSH_OPTIONS_CIPHERS_C_S, CIPHERS, err)
               && option(ssh, SSH_OPTIONS_CIPHERS_S_C, CIPHERS, err)
               && option(ssh, SSH_OPTIONS_HMAC_C_S, MACS, err)
               && option(ssh, SSH_OPTIONS_HMAC_S_C, MACS, err)
               && option(ssh, SSH_OPTIONS_COMPRESSION, connect->compression ? "yes" : "no", err)
               && (host_keys[0] == 0 || option(ssh, SSH_OPTIONS_HOSTKEYS, host_keys, err));
        free(user);
        free(host_keys);
        return ok;
}

/* The blob of RFC 4253 6.6; libssh gives it in base64 only. */
static bool tell_host_key(struct frame_socket *frames, ssh_session ssh, struct err *err)
{
        ssh_key key = NULL;
        char *base64 = NULL;
        uint8_t blob[HOST_KEY_MAX];
        size_t len;
        bool ok = false;

        if (ssh_get_server_publickey(ssh, &key) != SSH_OK
            || ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK) {
                ssh_key_free(key);
                return err_set(err, ERR_CONNECT, "the server showed no host key: %s", ssh_get_error(ssh));
        }
        if (base64_decode(base64, blob, sizeof blob, &len))
                ok = wire_write_two_bytes(&frames->out, WIRE_HOST_KEY, 0,
                                          str_of(ssh_key_type_to_char(ssh_key_type(key))),
                                          (struct str){ (char *)blob, len });
        ssh_string_free_char(base64);
        ssh_key_free(key);
        if (!ok)
                return err_set(err, ERR_CONNECT, "the server's host key cannot be read");
        return frame_socket_send(frames) || err_set(err, ERR_SYSTEM, "the supervisor is gone");
}

static bool await_verdict(struct frame_socket *frames, struct err *err)
{
        struct frame frame;

        if (!next_frame(frames, &frame, err))
                return false;
        if (frame.kind != WIRE_HOST_KEY_OK)
                return err_set(err, ERR_HOST_KEY, "the host key was refused");
        return true;
}

static bool authenticate(ssh_session ssh, const struct plan *plan, int agent_fd,
                         struct frame_socket *frames, struct err *err)
{
        const struct wire_connect *connect = &plan->connect;
        char method[AUTH_METHOD_MAX];
        struct auth_offer offer = {
                .user = connect->user,
                .password = connect->password,
                .use_agent = connect->use_agent != 0 && agent_fd >= 0
                          && ssh_set_agent_socket(ssh, agent_fd) == SSH_OK,
                .keys = plan->keys,
                .key_count = plan->key_count,
                .keys_before_agent = connect->keys_before_agent,
        };

        if (!auth_run(ssh, &offer, method, err))
                return false;
        const char *server = ssh_get_serverbanner(ssh);
        return wire_write_two_bytes(&frames->out, WIRE_READY, 0,
                                    str_of(server != NULL ? server : ""), str_of(method))
            || err_set(err, ERR_PROTOCOL, "the server's identification is too long");
}

static bool connect_by_plan(struct frame_socket *frames, const struct worker_fds *fds,
                            const struct plan *plan, ssh_session ssh, struct err *err)
{
        if (!set_options(ssh, fds->host, plan, err))
                return false;
        if (ssh_connect(ssh) != SSH_OK)
                return err_set(err, ERR_CONNECT, "SSH key exchange failed: %s", ssh_get_error(ssh));
        return tell_host_key(frames, ssh, err) && await_verdict(frames, err)
            && authenticate(ssh, plan, fds->agent, frames, err);
}

bool connect_run(struct frame_socket *frames, const struct worker_fds *fds, ssh_session *out_ssh,
                 uint32_t *out_keepalive_s, uint32_t *out_keepalive_count, struct err *err)
{
        struct plan plan = { 0 };
        ssh_session ssh = NULL;

        buf_init(&plan.connect_payload, WIRE_PAYLOAD_MAX);
        bool ok = receive_plan(frames, &plan, err);
        if (ok && (ssh = ssh_new()) == NULL)
                ok = err_set(err, ERR_SYSTEM, "no memory for an SSH session");
        ok = ok && connect_by_plan(frames, fds, &plan, ssh, err);
        *out_keepalive_s = plan.connect.keepalive_s;
        *out_keepalive_count = plan.connect.keepalive_count;
        plan_fini(&plan);
        if (!ok) {
                ssh_free(ssh); /* accepts NULL */
                return false;
        }
        ssh_set_blocking(ssh, 0);
        *out_ssh = ssh;
        return true;
}
