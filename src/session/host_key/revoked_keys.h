#pragma once
/*
 * revoked_keys.h - is a key in a RevokedHostKeys file? The text form: public keys, one a line.
 *
 * Binary key revocation lists (ssh-keygen -k) are recognised, but not read. As in OpenSSH a line
 * that is no key makes the whole file no good: nobody can tell what it was to revoke.
 *
 * Process: supervisor. Pure.
 */
#include "base/str.h"

enum revoked_verdict {
        REVOKED_NO,
        REVOKED_YES,
        REVOKED_UNREADABLE, /* a line that is no public key, or a certificate */
        REVOKED_BINARY,     /* a key revocation list */
};

/* out_line: from 1, of the line that decided; untouched for REVOKED_NO and REVOKED_BINARY. */
enum revoked_verdict revoked_keys_check(struct str text, struct str blob, unsigned *out_line);
