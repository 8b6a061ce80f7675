/*
 * A key is offered by its public half first (RFC 4252 7): only for one that the server would
 * take is the private half decrypted, a person asked, or the agent told to sign.
 */
#include "worker/login/auth_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/scoped.h"
#include "worker/login/agent_keys.h"

#include <stdio.h>
#include <string.h>

#define WRONG_PROMPTS_MAX 10 /* of one passphrase, whatever the configuration says */

static const char *key_method = "publickey";

/* ---- keys as text ---- */

/* "type base64 comment"; NULL when libssh knows no such key. */
static ssh_key import_public(const char *line)
{
        struct str rest = str_of(line);
        struct str type = str_word(&rest);
        struct str base64 = str_word(&rest);
        scoped_free char *type_name = xstrndup(type.ptr, type.len);
        scoped_free char *text = xstrndup(base64.ptr, base64.len);
        enum ssh_keytypes_e known = ssh_key_type_from_name(type_name);
        ssh_key key = NULL;

        if (known == SSH_KEYTYPE_UNKNOWN
            || ssh_pki_import_pubkey_base64(text, known, &key) != SSH_OK)
                return NULL;
        return key;
}

static bool was_accepted(const struct auth_attempt *attempt, const char *base64)
{
        return attempt->accepted.len > 0
               && memmem(attempt->accepted.data, attempt->accepted.len, base64, strlen(base64))
                          != NULL;
}

/* A key that the server took is not offered again: it counts once. */
static void note_accepted(struct auth_attempt *attempt, const char *base64)
{
        (void)buf_printf(&attempt->accepted, " %s", base64); /* full: it is refused once more */
}

static enum auth_result offer_public(struct auth_attempt *attempt, ssh_key key, const char *name)
{
        int rc;

        do
                rc = ssh_userauth_try_publickey(attempt->ssh, NULL, key);
        while (auth_is_slow(attempt, rc));
        if (rc == SSH_AUTH_SUCCESS)
                return AUTH_ACCEPTED;
        auth_note_tried(attempt, name, NULL);
        return auth_judge(attempt, SSH_AUTH_DENIED, key_method, NULL);
}

/* ---- opening an encrypted key ---- */

/* NOLINTNEXTLINE(readability-non-const-parameter): libssh's type */
static int no_passphrase(const char *prompt, char *buf, size_t len, int echo, int verify, void *arg)
{
        (void)prompt, (void)buf, (void)len, (void)echo, (void)verify;
        *(bool *)arg = true; /* it is encrypted */
        return -1;
}

/* passphrase NULL: none. *out_is_encrypted is set only if it was needed. */
static ssh_key open_key(const struct auth_key *key, const char *passphrase, bool *out_is_encrypted)
{
        ssh_key opened = NULL;

        if (ssh_pki_import_privkey_base64(key->pem, passphrase, no_passphrase, out_is_encrypted,
                                          &opened)
            != SSH_OK)
                return NULL;
        return opened;
}

/* The person has it open within so many answers, or not at all. */
static ssh_key ask_to_open(struct auth_attempt *attempt, size_t at)
{
        const struct auth_key *key = &attempt->offer->keys[at];
        struct wire_prompt prompt = { .kind = WIRE_PROMPT_PASSPHRASE, .key = (uint32_t)at };
        unsigned prompts = attempt->offer->password_prompts;

        for (unsigned i = 0; i < prompts && i < WRONG_PROMPTS_MAX; i++) {
                struct secret *answer;
                bool is_encrypted;
                if (!auth_ask(attempt, &prompt, &answer))
                        return NULL;
                bool is_empty = secret_len(answer) == 0; /* OpenSSH: on to the next key */
                ssh_key opened =
                        is_empty ? NULL : open_key(key, secret_bytes(answer), &is_encrypted);
                secret_free(answer);
                if (is_empty)
                        return NULL;
                auth_tell_secret(attempt, WIRE_PROMPT_PASSPHRASE, at, opened != NULL);
                if (opened != NULL)
                        return opened;
        }
        return NULL;
}

static void note_encrypted(struct auth_attempt *attempt, const struct auth_key *key)
{
        scoped_free char *needs = xasprintf("the passphrase of %s", key->name);

        auth_note_tried(attempt, key->name,
                        "encrypted, and its passphrase is not known: load it "
                        "with ssh-add");
        auth_note_needs(attempt, WIRE_ADVICE_LOGIN, needs);
}

/* NULL: it stays closed, and why is noted. */
static ssh_key open_or_ask(struct auth_attempt *attempt, size_t at)
{
        const struct auth_key *key = &attempt->offer->keys[at];
        bool is_encrypted = false;
        ssh_key opened = open_key(key, NULL, &is_encrypted);

        if (opened != NULL)
                return opened;
        if (!is_encrypted) {
                auth_note_tried(attempt, key->name,
                                "cannot be read: damaged or of an unknown kind");
                return NULL;
        }
        if (key->passphrase[0] != 0) {
                opened = open_key(key, key->passphrase, &is_encrypted);
                auth_tell_secret(attempt, WIRE_PROMPT_PASSPHRASE, at, opened != NULL);
                if (opened != NULL)
                        return opened;
        }
        if (attempt->offer->may_prompt) {
                opened = ask_to_open(attempt, at);
                if (opened == NULL && attempt->over->code == ERR_NONE)
                        auth_note_tried(attempt, key->name, "the passphrase was wrong");
                return opened;
        }
        note_encrypted(attempt, key);
        return NULL;
}

/* ---- files ---- */

static enum auth_result sign(struct auth_attempt *attempt, ssh_key opened, ssh_key public,
                             const struct auth_key *key, const char *base64)
{
        if (key->certificate[0] != 0 && ssh_pki_copy_cert_to_privkey(public, opened) != SSH_OK) {
                auth_note_tried(attempt, key->name, "its certificate cannot be used");
                return AUTH_REFUSED;
        }
        int rc;
        do
                rc = ssh_userauth_publickey(attempt->ssh, NULL, opened);
        while (auth_is_slow(attempt, rc));
        enum auth_result result = auth_judge(attempt, rc, key_method, key->name);
        if (result == AUTH_PARTIAL)
                note_accepted(attempt, base64);
        else if (result != AUTH_ACCEPTED)
                auth_note_tried(attempt, key->name, "its signature was refused");
        return result;
}

/* opened may be NULL: it is opened when the server would take it. */
static enum auth_result try_pair(struct auth_attempt *attempt, size_t at, ssh_key public,
                                 ssh_key *opened)
{
        const struct auth_key *key = &attempt->offer->keys[at];
        char *base64 = NULL;

        if (ssh_pki_export_pubkey_base64(public, &base64) != SSH_OK)
                return AUTH_REFUSED;
        enum auth_result result = AUTH_REFUSED;
        if (!was_accepted(attempt, base64))
                result = offer_public(attempt, public, key->name);
        if (result == AUTH_ACCEPTED) {
                if (*opened == NULL)
                        *opened = open_or_ask(attempt, at);
                result = *opened != NULL ? sign(attempt, *opened, public, key, base64)
                         : attempt->over->code != ERR_NONE ? AUTH_OVER
                                                           : AUTH_REFUSED;
        }
        ssh_string_free_char(base64);
        return result;
}

/* Without its public half known, the key is opened first: PEM without a .pub beside it. */
static enum auth_result try_file(struct auth_attempt *attempt, size_t at)
{
        const struct auth_key *key = &attempt->offer->keys[at];
        const char *line = key->certificate[0] != 0 ? key->certificate : key->public_key;
        ssh_key public = line[0] != 0 ? import_public(line) : NULL;
        ssh_key opened = NULL;
        enum auth_result result = AUTH_REFUSED;

        if (public == NULL && key->certificate[0] != 0) {
                auth_note_tried(attempt, key->name, "its certificate is of an unknown kind");
                return AUTH_REFUSED;
        }
        if (public == NULL) {
                opened = open_or_ask(attempt, at);
                if (opened != NULL)
                        (void)ssh_pki_export_privkey_to_pubkey(opened, &public); /* else NULL */
        }
        if (public != NULL)
                result = try_pair(attempt, at, public, &opened);
        else if (attempt->over->code != ERR_NONE)
                result = AUTH_OVER;
        ssh_key_free(public);
        ssh_key_free(opened);
        return result;
}

/* ---- the agent ---- */

static enum auth_result try_agent_key(struct auth_attempt *attempt, const struct agent_key *held)
{
        scoped_free char *line = xasprintf("%s %s", held->type, held->base64);
        scoped_free char *name = xasprintf("agent's %s", held->name);
        ssh_key public = import_public(line);

        if (public == NULL) {
                log_debug("%s: of an unknown kind (%s)", name, held->type);
                return AUTH_REFUSED;
        }
        enum auth_result result = offer_public(attempt, public, name);
        ssh_key_free(public);
        if (result != AUTH_ACCEPTED)
                return result;
        if (!agent_keys_select(attempt->offer->agent_fd, held)) {
                auth_note_tried(attempt, name, "the agent went away");
                return AUTH_REFUSED;
        }
        int rc;
        do
                rc = ssh_userauth_agent(attempt->ssh, NULL);
        while (auth_is_slow(attempt, rc));
        result = auth_judge(attempt, rc, key_method, name);
        if (result == AUTH_PARTIAL)
                note_accepted(attempt, held->base64);
        else if (result != AUTH_ACCEPTED)
                auth_note_tried(attempt, name, "the agent did not sign, or not well");
        return result;
}

static enum auth_result try_agent(struct auth_attempt *attempt, const struct agent_keys *held)
{
        enum auth_result result = AUTH_REFUSED;

        for (size_t i = 0; i < held->count && result == AUTH_REFUSED; i++) {
                if (!auth_has_attempts(attempt))
                        break;
                if (!was_accepted(attempt, held->items[i].base64))
                        result = try_agent_key(attempt, &held->items[i]);
        }
        return result;
}

/* The file's key was offered from the agent already. */
static bool is_held(const struct agent_keys *held, const struct auth_key *key)
{
        struct str rest = str_of(key->certificate[0] != 0 ? key->certificate : key->public_key);
        (void)str_word(&rest);
        struct str base64 = str_word(&rest);

        for (size_t i = 0; i < held->count; i++)
                if (str_is(base64, held->items[i].base64))
                        return true;
        return false;
}

static enum auth_result try_files(struct auth_attempt *attempt, size_t from, size_t to,
                                  const struct agent_keys *held)
{
        const struct auth_offer *offer = attempt->offer;
        enum auth_result result = AUTH_REFUSED;

        for (size_t i = from; i < to && i < offer->key_count && result == AUTH_REFUSED; i++) {
                if (!auth_has_attempts(attempt))
                        break;
                if (!is_held(held, &offer->keys[i]))
                        result = try_file(attempt, i);
        }
        return result;
}

/*
 * The agent is asked for its keys again after each partial success: a selection of ours is taken
 * back by that, and keys may have come or gone.
 */
enum auth_result auth_try_keys(struct auth_attempt *attempt)
{
        const struct auth_offer *offer = attempt->offer;
        struct agent_keys held = { 0 };
        enum auth_result result = try_files(attempt, 0, offer->keys_before_agent, &held);

        if (result != AUTH_REFUSED)
                return result;
        if (offer->agent_fd >= 0 && agent_keys_select(offer->agent_fd, NULL)
            && agent_keys_load(&held, offer->agent_fd))
                result = try_agent(attempt, &held);
        if (result == AUTH_REFUSED)
                result = try_files(attempt, offer->keys_before_agent, offer->key_count, &held);
        agent_keys_fini(&held);
        return result;
}
