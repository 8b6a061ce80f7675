#pragma once
/*
 * key_blob.h - public keys as OpenSSH writes them: a type name and base64, and sets of them.
 *
 * Process: supervisor. Pure.
 * Memory:  key_blobs owns its blobs; key_blobs_free() accepts NULL.
 */
#include "base/buf.h"

#include <stdbool.h>

#define KEY_BLOB_MAX  (16 * 1024) /* bytes; RSA with 16384 bits has 2 KiB */
#define KEY_BLOBS_MAX 16

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
