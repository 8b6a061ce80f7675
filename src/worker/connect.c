#include "worker/connect.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "wire/message.h"
#include "worker/base64.h"
#include "worker/login/auth.h"

#include <libssh/callbacks.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define HOST_KEY_MAX        (16 * 1024) /* bytes of a public key blob */
#define ALGORITHMS_TEXT_MAX 512         /* characters */

/* What the supervisor sends before it starts: keys, then how to connect. */
struct plan {
        struct auth_key keys[AUTH_KEYS_MAX];
        size_t key_count;
        struct channel_env *env; /* not ours; filled on the way */
        struct buf connect_payload; /* the frame's bytes, which connect borrows from */
        struct wire_connect connect;
};

static void wipe_text(char *text)
{
        secret_wipe(text, strlen(text));
        free(text);
}

static void plan_fini(struct plan *plan)
{
        for (size_t i = 0; i < plan->key_count; i++) {
                wipe_text(plan->keys[i].pem);
                wipe_text(plan->keys[i].passphrase);
                free(plan->keys[i].certificate);
                free(plan->keys[i].public_key);
                free(plan->keys[i].name);
        }
        if (plan->connect_payload.data != NULL)
                secret_wipe(plan->connect_payload.data, plan->connect_payload.len);
        buf_fini(&plan->connect_payload);
}

static char *copy(struct str str)
{
        return xstrndup(str.ptr, str.len);
}

static bool take_key(struct plan *plan, const struct frame *frame, struct err *err)
{
        struct wire_key key;

        if (!wire_read_key(frame, &key) || plan->key_count == AUTH_KEYS_MAX)
                return err_set(err, ERR_PROTOCOL, "a key that does not fit");
        plan->keys[plan->key_count++] = (struct auth_key){
                .name = copy(key.name),
                .pem = copy(key.pem),
                .passphrase = copy(key.passphrase),
                .certificate = copy(key.certificate),
                .public_key = copy(key.public_key),
        };
        return true;
}

static bool take_variable(struct plan *plan, const struct frame *frame, struct err *err)
{
        struct wire_reader reader = wire_read(frame);
        struct str name = wire_get_bytes(&reader);
        struct str value = wire_get_bytes(&reader);

        if (!wire_read_done(&reader) || !channel_env_add(plan->env, name, value))
                return err_set(err, ERR_PROTOCOL, "a variable that does not fit");
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

        while (next_frame(frames, &frame, err)) {
                bool ok = false;
                switch (frame.kind) {
                case WIRE_CONNECT: return take_connect(plan, &frame, err);
                case WIRE_KEY: ok = take_key(plan, &frame, err); break;
                case WIRE_ENV: ok = take_variable(plan, &frame, err); break;
                default: /* a number from outside, not our enum */
                        (void)err_set(err, ERR_PROTOCOL, "frame %u before the instructions",
                                      frame.kind);
                }
                if (!ok)
                        return false;
        }
        return false;
}

static bool option(ssh_session ssh, enum ssh_options_e name, const void *value, struct err *err)
{
        if (ssh_options_set(ssh, name, value) != 0)
                return err_set(err, ERR_CONNECT, "SSH option %d: %s", (int)name, ssh_get_error(ssh));
        return true;
}

/* A list of names; "": libssh's default. */
static bool list_option(ssh_session ssh, enum ssh_options_e name, struct str list, struct err *err)
{
        if (list.len == 0)
                return true;
        char *text = copy(list);
        bool ok = option(ssh, name, text, err);
        free(text);
        return ok;
}

static bool set_algorithms(ssh_session ssh, const struct wire_connect *connect, struct err *err)
{
        int rsa_min_bits = (int)connect->rsa_min_bits;

        return list_option(ssh, SSH_OPTIONS_KEY_EXCHANGE, connect->kex, err)
            && list_option(ssh, SSH_OPTIONS_CIPHERS_C_S, connect->ciphers, err)
            && list_option(ssh, SSH_OPTIONS_CIPHERS_S_C, connect->ciphers, err)
            && list_option(ssh, SSH_OPTIONS_HMAC_C_S, connect->macs, err)
            && list_option(ssh, SSH_OPTIONS_HMAC_S_C, connect->macs, err)
            && list_option(ssh, SSH_OPTIONS_HOSTKEYS, connect->host_key_algorithms, err)
            && list_option(ssh, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
                           connect->public_key_algorithms, err)
            && option(ssh, SSH_OPTIONS_COMPRESSION, connect->compression ? "yes" : "no", err)
            && (rsa_min_bits == 0 || option(ssh, SSH_OPTIONS_RSA_MIN_SIZE, &rsa_min_bits, err));
}

static bool set_options(ssh_session ssh, int fd, const struct plan *plan, struct err *err)
{
        const struct wire_connect *connect = &plan->connect;
        bool no_config = false;
        long timeout_s = (long)connect->timeout_s;
        char *user = copy(connect->user);
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
               && set_algorithms(ssh, connect, err);
        free(user);
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

static bool await_verdict(struct frame_socket *frames, uint32_t *out_bits, struct err *err)
{
        struct frame frame;

        if (!next_frame(frames, &frame, err))
                return false;
        if (frame.kind != WIRE_HOST_KEY_OK)
                return err_set(err, ERR_HOST_KEY, "the host key was refused");
        struct wire_reader reader = wire_read(&frame);
        *out_bits = wire_get_u32(&reader);
        return wire_read_done(&reader)
            || err_set(err, ERR_PROTOCOL, "a verdict that cannot be read");
}

/*
 * libssh has no name for group exchange. Where both kinds of it were offered, the weak one is
 * named: a warning too many is better than one too few.
 */
static const char *kex_name(ssh_session ssh, struct str offered)
{
        static const char weak[] = "diffie-hellman-group-exchange-sha1";
        const char *name = ssh_get_kex_algo(ssh);

        if (name != NULL)
                return name;
        return memmem(offered.ptr, offered.len, weak, strlen(weak)) != NULL
                     ? weak
                     : "diffie-hellman-group-exchange-sha256";
}

/* What was agreed on, for people and for the warning about legacy algorithms. */
static void write_algorithms(ssh_session ssh, struct str kex_offered, struct buf *out)
{
        const char *names[] = { kex_name(ssh, kex_offered), ssh_get_cipher_in(ssh),
                                ssh_get_cipher_out(ssh), ssh_get_hmac_in(ssh),
                                ssh_get_hmac_out(ssh) };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (names[i] != NULL)
                        (void)buf_printf(out, "%s%s", out->len > 0 ? "," : "",
                                         names[i]); /* full: for people only */
}

static bool tell_ready(struct frame_socket *frames, ssh_session ssh, struct str kex_offered,
                       const char *method, struct err *err)
{
        const char *server = ssh_get_serverbanner(ssh);
        struct buf algorithms;

        buf_init(&algorithms, ALGORITHMS_TEXT_MAX);
        write_algorithms(ssh, kex_offered, &algorithms);
        bool ok = wire_write_ready(&frames->out, str_of(server != NULL ? server : ""),
                                   str_of(method), buf_str(&algorithms));
        buf_fini(&algorithms);
        return ok || err_set(err, ERR_PROTOCOL, "the server's identification is too long");
}

static bool authenticate(ssh_session ssh, const struct plan *plan, int agent_fd, uint32_t host_key,
                         struct frame_socket *frames, struct err *err)
{
        const struct wire_connect *connect = &plan->connect;
        const long patience_s = AUTH_PATIENCE_S;
        char method[AUTH_METHOD_MAX];
        struct auth_offer offer = {
                .user = connect->user,
                .password = connect->password,
                .methods = connect->auth_methods,
                .agent_fd = connect->use_agent != 0 && agent_fd >= 0
                                         && ssh_set_agent_socket(ssh, agent_fd) == SSH_OK
                                     ? agent_fd
                                     : -1,
                .keys = plan->keys,
                .key_count = plan->key_count,
                .keys_before_agent = connect->keys_before_agent,
                .is_new_host = (host_key & WIRE_HOST_KEY_NEW) != 0,
                .may_prompt = connect->may_prompt != 0,
                .password_prompts = connect->password_prompts,
        };

        return option(ssh, SSH_OPTIONS_TIMEOUT, &patience_s, err)
            && auth_run(ssh, frames, &offer, method, err) && tell_ready(frames, ssh, connect->kex, method, err);
}

/* ---- key exchange ---- */

/* libssh keeps a pointer to these for as long as the session lives, and a process has one. */
static struct ssh_callbacks_struct status_callbacks;

struct looking_on {
        struct frame_socket *frames;
        ssh_session ssh;
        bool has_told;
};

/* libssh's own scale: 0.4 is the moment when the server has identified itself. */
static void on_status(void *arg, float status)
{
        struct looking_on *looking_on = arg;
        const char *banner = ssh_get_serverbanner(looking_on->ssh);

        if (status < 0.35f || looking_on->has_told || banner == NULL)
                return;
        looking_on->has_told = true;
        (void)wire_write_u32_bytes(&looking_on->frames->out, WIRE_PROGRESS, 0, WIRE_PROGRESS_BANNER,
                                   banner, strlen(banner)); /* too long: nobody needs it */
        (void)frame_socket_send(looking_on->frames); /* gone: the next frame notices */
}

static bool exchange_keys(ssh_session ssh, struct frame_socket *frames, struct err *err)
{
        struct looking_on looking_on = { .frames = frames, .ssh = ssh };

        status_callbacks = (struct ssh_callbacks_struct){
                .userdata = &looking_on,
                .connect_status_function = on_status,
        };
        ssh_callbacks_init(&status_callbacks);
        (void)ssh_set_callbacks(ssh, &status_callbacks); /* fails for NULL only */
        int result = ssh_connect(ssh);
        status_callbacks.connect_status_function = NULL;
        if (result == SSH_OK)
                return true;
        if (ssh_get_serverbanner(ssh) == NULL)
                return err_set(err, ERR_CONNECT,
                               "no SSH server answered: the connection was made, but nobody "
                               "identified himself there (%s)",
                               ssh_get_error(ssh));
        return err_set(err, ERR_CONNECT, "SSH key exchange failed: %s", ssh_get_error(ssh));
}

static bool connect_by_plan(struct frame_socket *frames, const struct worker_fds *fds,
                            const struct plan *plan, ssh_session ssh, struct err *err)
{
        if (!set_options(ssh, fds->host, plan, err))
                return false;
        if (!exchange_keys(ssh, frames, err))
                return false;
        uint32_t host_key = 0;
        return tell_host_key(frames, ssh, err) && await_verdict(frames, &host_key, err)
            && authenticate(ssh, plan, fds->agent, host_key, frames, err);
}

bool connect_run(struct frame_socket *frames, const struct worker_fds *fds,
                 struct connected *out_connected, struct err *err)
{
        struct plan plan = { .env = &out_connected->env };
        ssh_session ssh = NULL;

        buf_init(&plan.connect_payload, WIRE_PAYLOAD_MAX);
        bool ok = receive_plan(frames, &plan, err);
        if (ok && (ssh = ssh_new()) == NULL)
                ok = err_set(err, ERR_SYSTEM, "no memory for an SSH session");
        ok = ok && connect_by_plan(frames, fds, &plan, ssh, err);
        out_connected->keepalive_s = plan.connect.keepalive_s;
        out_connected->keepalive_count = plan.connect.keepalive_count;
        plan_fini(&plan);
        if (!ok) {
                ssh_free(ssh); /* accepts NULL */
                return false;
        }
        ssh_set_blocking(ssh, 0);
        out_connected->ssh = ssh;
        return true;
}
