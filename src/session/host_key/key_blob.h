#pragma once
/*
 * key_blob.h - public keys as OpenSSH writes them: a type name and base64, and sets of them.
 *
 * Source: RFC 4253 6.6; OpenSSH's PROTOCOL.key and PROTOCOL.certkeys.
 *
 * Process: supervisor. Pure.
 * Memory:  key_blobs owns its blobs; key_blobs_free() accepts NULL.
 */
#include "base/buf.h"

#include <stdbool.h>

#define KEY_BLOB_MAX  (16 * 1024) /* bytes; RSA with 16384 bits has 2 KiB */
#define KEY_BLOBS_MAX 32 /* more are left out */

struct key_blobs {
        struct buf items[KEY_BLOBS_MAX];
        unsigned count;
};

/* Strict: whole groups of four, padding only at the end. Appends to out. */
bool key_blob_from_base64(struct str text, struct buf *out);

bool key_blob_to_base64(struct str blob, struct buf *out); /* appends */

/* The name that a key begins with ("ssh-ed25519"); "" where the bytes are none. Borrowed. */
struct str key_blob_type(struct str blob);

/* The key inside must say the type that stands before it. Appends to out. */
bool key_blob_parse(struct str type, struct str base64, struct buf *out);

void key_blobs_free(struct key_blobs *blobs);
bool key_blobs_have(const struct key_blobs *blobs, struct str blob);

/* The first line of a .pub file, "type base64 comment"; false: it is none, or there is no room. */
bool key_blobs_add_line(struct key_blobs *blobs, struct str text);

/*
 * The public half of a private key, which OpenSSH's own format carries in the clear. Appends the
 * blob to out; false: another format, or damaged.
 */
bool key_blob_from_private(struct str text, struct buf *out);

/* "type base64"; yours, free(); NULL: no blob begins so. */
char *key_blob_line(struct str blob);

/* Is it a certificate, and the one of this key? Both are blobs. */
bool key_blob_is_certificate_of(struct str certificate, struct str key);
