/*
 * Secrets (password, keys) are freed as soon as they are in the worker's postbox, which wipes
 * what it has sent. They leave before the host's key is seen, but only as far as the worker,
 * which uses none of them before WIRE_HOST_KEY_OK.
 */
#include "session/connection_private.h"

#include "base/alloc.h"
#include "base/scoped.h"
#include "session/config/algorithms.h"
#include "session/config/environment.h"
#include "session/reach/sockets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEPALIVE_S      15
#define AUTH_METHODS     "publickey,keyboard-interactive,password" /* OpenSSH's order, as far as we can */
#define AUTH_METHODS_MAX 256 /* characters */

static bool send_key(const struct connection *connection, const struct identity_offer *offer,
                     struct err *err)
{
        const struct identity *identity = &connection->identities.items[offer->identity];
        const struct certificate *certificate = offer->certificate;
        const struct secret *passphrase =
                connection_find_passphrase(connection, offer->identity);
        struct wire_key key = {
                .name = str_of(certificate != NULL ? certificate->name : identity->name),
                .pem = { secret_bytes(identity->key), secret_len(identity->key) },
                .certificate = str_of(certificate != NULL ? certificate->line : ""),
                .public_key = str_of(identity->public_key != NULL ? identity->public_key : ""),
        };

        if (passphrase != NULL)
                key.passphrase = (struct str){ secret_bytes(passphrase), secret_len(passphrase) };
        return wire_write_key(postbox_out(connection->postbox), &key)
               || err_set(err, ERR_LIMIT, "key %s is too large", identity->name);
}

/* All secrets that leave now, the connect message too, and then some. */
static size_t secrets_len(unsigned keys)
{
        return (keys + 2) * (size_t)WIRE_PAYLOAD_MAX;
}

static bool send_keys(struct connection *connection, unsigned *out_before_agent, struct err *err)
{
        struct identity_offer offers[OFFERS_MAX];
        unsigned count = identities_offers(&connection->identities,
                                           connection->key_filename != NULL, offers,
                                           out_before_agent);

        postbox_expect_secrets(connection->postbox, secrets_len(count));
        for (unsigned i = 0; i < count; i++) {
                connection->offers[i] = offers[i].identity;
                if (!send_key(connection, &offers[i], err))
                        return false;
        }
        connection->offer_count = count;
        return true;
}

static bool send_variable(void *arg, struct str name, struct str value)
{
        return wire_write_two_bytes(postbox_out(arg), WIRE_ENV, 0, name, value);
}

static bool is_disabled(const struct ssh_config *config, struct str method)
{
        return (config->no_public_keys && str_is(method, "publickey"))
               || (config->no_passwords && str_is(method, "password"))
               || (config->no_interactive && str_is(method, "keyboard-interactive"));
}

/* PreferredAuthentications without what the configuration switches off; yours, free(). */
static char *auth_methods(const struct ssh_config *config)
{
        struct str rest = str_of(config->auth_methods != NULL ? config->auth_methods : AUTH_METHODS);
        struct str method;
        struct buf list;

        buf_init(&list, AUTH_METHODS_MAX);
        while (str_item(&rest, &method))
                if (!is_disabled(config, method))
                        (void)buf_printf(&list, "%s%.*s", list.len > 0 ? "," : "", (int)method.len,
                                         method.ptr); /* full: the rest is not tried */
        return buf_take(&list);
}

/* What the worker is told about the connection; the texts belong to the struct. */
struct instructions {
        char *host_key_algorithms;
        char *kex;
        char *ciphers;
        char *macs;
        char *auth_methods;
};

static void instructions_fini(struct instructions *texts)
{
        free(texts->host_key_algorithms);
        free(texts->kex);
        free(texts->ciphers);
        free(texts->macs);
        free(texts->auth_methods);
}

static bool choose_algorithms(struct instructions *texts, const struct ssh_config *config,
                              struct err *err)
{
        return algorithms_choose(ALGORITHM_KEX, config->kex_algorithms, &texts->kex, err)
               && algorithms_choose(ALGORITHM_CIPHER, config->ciphers, &texts->ciphers, err)
               && algorithms_choose(ALGORITHM_MAC, config->macs, &texts->macs, err);
}

/* Before anything is dialed: what the configuration makes impossible is its fault, not the host's. */
bool connection_check_algorithms(const struct connection *connection, struct err *err)
{
        struct instructions texts = { 0 };
        bool ok = choose_algorithms(&texts, connection->config, err);

        instructions_fini(&texts);
        return ok;
}

static bool instructions_init(struct instructions *texts, const struct connection *connection,
                              struct err *err)
{
        const struct ssh_config *config = connection->config;

        texts->host_key_algorithms =
                host_keys_algorithms(connection->host_keys, config->host_key_algorithms);
        texts->auth_methods = auth_methods(config);
        return choose_algorithms(texts, config, err);
}

static bool write_connect(const struct connection *connection, const struct instructions *texts,
                          unsigned keys_before_agent)
{
        const struct ssh_config *config = connection->config;
        const struct secret *password = connection_find_password(connection);
        struct wire_connect connect = {
                .user = str_of(connection->user),
                .host_key_algorithms = str_of(texts->host_key_algorithms),
                .use_agent = connection->agent != NULL,
                .keepalive_s =
                        (uint32_t)(config->keepalive_s > 0 ? config->keepalive_s : KEEPALIVE_S),
                .keepalive_count = (uint32_t)config->keepalive_count,
                .timeout_s = (uint32_t)(connection_limit_ms(connection, KEX_MS) / 1000),
                .compression = config->compression,
                .keys_before_agent = keys_before_agent,
                .kex = str_of(texts->kex),
                .ciphers = str_of(texts->ciphers),
                .macs = str_of(texts->macs),
                .auth_methods = str_of(texts->auth_methods),
                .rsa_min_bits = (uint32_t)config->rsa_min_bits,
                .may_prompt = connection->may_prompt,
                .password_prompts = (uint32_t)config->password_prompts,
        };

        if (config->public_key_algorithms != NULL)
                connect.public_key_algorithms = str_of(config->public_key_algorithms);
        if (password != NULL)
                connect.password = (struct str){ secret_bytes(password), secret_len(password) };
        return wire_write_connect(postbox_out(connection->postbox), &connect);
}

static bool send_connect(struct connection *connection, struct err *err)
{
        struct instructions texts = { 0 };
        struct postbox *postbox = connection->postbox;

        connection->may_prompt = connection_has_person(connection);
        unsigned keys_before_agent;
        if (!send_keys(connection, &keys_before_agent, err))
                return false;
        if (!environment_each(connection->config, environ, send_variable, postbox))
                return err_set(err, ERR_LIMIT, "its SetEnv and SendEnv are too long");
        bool ok = instructions_init(&texts, connection, err)
                  && (write_connect(connection, &texts, keys_before_agent)
                      || err_set(err, ERR_LIMIT, "password or user name are too long"));
        instructions_fini(&texts);
        if (ok)
                postbox_flush(postbox);
        return ok;
}

/* The worker's ends of its sockets; -1: not made, or handed over. */
struct worker_ends {
        int host;
        int frames;
        int agent;
};

static bool lend_agent(struct connection *connection, int *out_fd, struct err *err)
{
        const struct ssh_config *config = connection->config;

        if (config->no_public_keys)
                return true;
        scoped_fd int fd = agent_connect(config->identity_agent, &connection->env->home);
        if (fd < 0)
                return true;
        struct key_blobs *preferred = identities_public_keys(&connection->identities);
        bool ok = agent_new(&connection->agent, connection->env->loop, &fd, &preferred,
                            config->identities_only, connection->user, out_fd, err);
        key_blobs_free(preferred); /* not taken */
        return ok;
}

static bool make_worker(struct connection *connection, struct worker_ends *ends, struct err *err)
{
        struct connection_env *env = connection->env;
        const struct postbox_owner owner = { connection_on_frame, connection_on_postbox_end,
                                             connection };
        int pair[2];

        if (!lend_agent(connection, &ends->agent, err) || !socket_pair(pair, err))
                return false;
        ends->frames = pair[1];
        if (!postbox_new(&connection->postbox, env->loop, &pair[0], env->scratch, &owner, err)) {
                scoped_close(&pair[0]);
                return false;
        }
        if (!spawner_make(env->spawner, connection->id, &ends->host, &ends->frames, &ends->agent,
                          err))
                return false;
        connection->has_worker = true;
        return send_connect(connection, err);
}

void connection_start_worker(struct connection *connection, int fd)
{
        struct worker_ends ends = { .host = fd, .frames = -1, .agent = -1 };
        struct err err = { 0 };

        connection_set_state(connection, CONNECTION_KEX);
        connection_set_deadline(connection, connection_limit_ms(connection, KEX_MS));
        if (!make_worker(connection, &ends, &err))
                connection_fail_setup(connection, &err);
        scoped_close(&ends.host);
        scoped_close(&ends.frames);
        scoped_close(&ends.agent);
        secret_free(connection->password);
        connection->password = NULL;
        for (unsigned i = 0; i < connection->identities.count; i++) {
                secret_free(connection->identities.items[i].key);
                connection->identities.items[i].key = NULL;
        }
}
