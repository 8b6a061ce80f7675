#pragma once
/*
 * algorithms.h - which algorithms a host is offered: what libssh can do, as far as the
 * configuration allows it.
 *
 * Sound ones come first, in our order. What OpenSSH still offers by default but we would rather
 * not use comes after them. Legacy ones (SHA-1 key exchange, CBC) are offered only where the
 * configuration names them, last of all, and algorithms_legacy() tells when one was agreed on.
 *
 * Names: IANA "SSH Protocol Parameters"; RFC 4253, 8268, 8332, 8731; OpenSSH's PROTOCOL file.
 *
 * Process: supervisor. Pure.
 * Errors:  ERR_CONNECT when the configured list has nothing that libssh can do; the text has
 *          what would do.
 */
#include "base/err.h"
#include "base/str.h"

enum algorithm_kind {
        ALGORITHM_KEX,
        ALGORITHM_CIPHER,
        ALGORITHM_MAC,
};

/* configured: a list as `ssh -G` prints it, NULL: OpenSSH's default. *out_list is yours, free(). */
bool algorithms_choose(enum algorithm_kind kind, const char *configured, char **out_list,
                       struct err *err);

/* Of the names in a list ("a,b"), the legacy ones ("b"); "" none. Yours, free(). */
char *algorithms_legacy(struct str agreed);
