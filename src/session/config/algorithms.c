#include "session/config/algorithms.h"

#include "base/buf.h"
#include "base/scoped.h"

#define LIST_MAX 1024 /* characters; all names of a kind are far fewer */

enum grade {
        GRADE_SOUND,
        GRADE_LAST_RESORT, /* OpenSSH offers it by default */
        GRADE_LEGACY,      /* OpenSSH offers it only where the configuration says so */
};

struct algorithm {
        const char *name;
        enum algorithm_kind kind;
        enum grade grade;
};

/*
 * Finite-field Diffie-Hellman comes late: this libssh does not check the peer's value. AES-GCM is
 * sound only where the build found a libssh that checks its tags (CVE-2026-59847). chacha20
 * comes after CTR, because libssh cannot tell whether strict key exchange was agreed on.
 */
static const struct algorithm algorithms[] = {
        { "curve25519-sha256", ALGORITHM_KEX, GRADE_SOUND },
        { "curve25519-sha256@libssh.org", ALGORITHM_KEX, GRADE_SOUND },
        { "ecdh-sha2-nistp256", ALGORITHM_KEX, GRADE_SOUND },
        { "ecdh-sha2-nistp384", ALGORITHM_KEX, GRADE_SOUND },
        { "ecdh-sha2-nistp521", ALGORITHM_KEX, GRADE_SOUND },
        { "diffie-hellman-group16-sha512", ALGORITHM_KEX, GRADE_LAST_RESORT },
        { "diffie-hellman-group18-sha512", ALGORITHM_KEX, GRADE_LAST_RESORT },
        { "diffie-hellman-group-exchange-sha256", ALGORITHM_KEX, GRADE_LAST_RESORT },
        { "diffie-hellman-group14-sha256", ALGORITHM_KEX, GRADE_LAST_RESORT },
        { "diffie-hellman-group14-sha1", ALGORITHM_KEX, GRADE_LEGACY },
        { "diffie-hellman-group-exchange-sha1", ALGORITHM_KEX, GRADE_LEGACY },
        { "diffie-hellman-group1-sha1", ALGORITHM_KEX, GRADE_LEGACY },
#ifdef LIBSSH_GCM_IS_SOUND
        { "aes256-gcm@openssh.com", ALGORITHM_CIPHER, GRADE_SOUND },
        { "aes128-gcm@openssh.com", ALGORITHM_CIPHER, GRADE_SOUND },
#endif
        { "aes256-ctr", ALGORITHM_CIPHER, GRADE_SOUND },
        { "aes192-ctr", ALGORITHM_CIPHER, GRADE_SOUND },
        { "aes128-ctr", ALGORITHM_CIPHER, GRADE_SOUND },
        { "chacha20-poly1305@openssh.com", ALGORITHM_CIPHER, GRADE_SOUND },
        { "aes256-cbc", ALGORITHM_CIPHER, GRADE_LEGACY },
        { "aes192-cbc", ALGORITHM_CIPHER, GRADE_LEGACY },
        { "aes128-cbc", ALGORITHM_CIPHER, GRADE_LEGACY },
        { "3des-cbc", ALGORITHM_CIPHER, GRADE_LEGACY },
        { "hmac-sha2-256-etm@openssh.com", ALGORITHM_MAC, GRADE_SOUND },
        { "hmac-sha2-512-etm@openssh.com", ALGORITHM_MAC, GRADE_SOUND },
        { "hmac-sha2-256", ALGORITHM_MAC, GRADE_SOUND },
        { "hmac-sha2-512", ALGORITHM_MAC, GRADE_SOUND },
        { "hmac-sha1-etm@openssh.com", ALGORITHM_MAC, GRADE_LAST_RESORT },
        { "hmac-sha1", ALGORITHM_MAC, GRADE_LAST_RESORT },
};

#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)

static const char *keyword_of(enum algorithm_kind kind)
{
        switch (kind) {
        case ALGORITHM_KEX: return "KexAlgorithms";
        case ALGORITHM_CIPHER: return "Ciphers";
        case ALGORITHM_MAC: return "MACs";
        }
        return "";
}

static bool list_has(struct str list, const char *name)
{
        struct str at;

        while (str_item(&list, &at))
                if (str_is(at, name))
                        return true;
        return false;
}

static void add(struct buf *list, const char *name)
{
        (void)buf_printf(list, "%s%s", list->len > 0 ? "," : "", name); /* fits: LIST_MAX */
}

static bool is_allowed(const struct algorithm *algorithm, const char *configured)
{
        return configured == NULL ? algorithm->grade != GRADE_LEGACY
                                  : list_has(str_of(configured), algorithm->name);
}

static bool refuse(enum algorithm_kind kind, struct err *err)
{
        scoped_buf struct buf known;

        buf_init(&known, LIST_MAX);
        for (size_t i = 0; i < ALGORITHMS; i++)
                if (algorithms[i].kind == kind && algorithms[i].grade != GRADE_LEGACY)
                        add(&known, algorithms[i].name);
        return err_set(err, ERR_CONNECT,
                       "its configuration allows no %s that is supported here. Add one of these: %.*s",
                       keyword_of(kind), (int)known.len, (char *)known.data);
}

bool algorithms_choose(enum algorithm_kind kind, const char *configured, char **out_list,
                       struct err *err)
{
        scoped_buf struct buf list;

        buf_init(&list, LIST_MAX);
        for (int grade = GRADE_SOUND; grade <= GRADE_LEGACY; grade++)
                for (size_t i = 0; i < ALGORITHMS; i++)
                        if (algorithms[i].kind == kind && (int)algorithms[i].grade == grade
                            && is_allowed(&algorithms[i], configured))
                                add(&list, algorithms[i].name);
        if (list.len == 0)
                return refuse(kind, err);
        *out_list = buf_take(&list);
        return true;
}

char *algorithms_legacy(struct str agreed)
{
        scoped_buf struct buf list;
        struct str at;

        buf_init(&list, LIST_MAX);
        while (str_item(&agreed, &at))
                for (size_t i = 0; i < ALGORITHMS; i++)
                        if (algorithms[i].grade == GRADE_LEGACY && str_is(at, algorithms[i].name)
                            && !list_has(buf_str(&list), algorithms[i].name))
                                add(&list, algorithms[i].name);
        return buf_take(&list);
}
