#pragma once
/*
 * keys.h - a text with keys in it, "iHello<esc>:wq<enter>", as the bytes that a keyboard sends.
 *
 * Names stand in <…>, in any case: enter (return), esc (escape), tab, space, backspace, delete,
 * insert, up, down, left, right, home, end, pageup, pagedown, f1 to f12, shift-tab, ctrl-X,
 * alt-X (X a character or a name), lt; <<  is a literal <, and <down*5> is five times. The rest is
 * typed as it is; a newline is Enter. The bytes are xterm's (ctlseqs, "PC-Style Function Keys").
 *
 * Process: supervisor. Pure.
 * Errors:  ERR_INPUT names the key that there is not; ERR_LIMIT. Nothing is to be typed then.
 */
#include "base/buf.h"
#include "base/err.h"

#define KEYS_REPEAT_MAX 100
#define KEYS_BYTES_MAX  (16 * 1024) /* that the keys become */

enum keys_mode {
        KEYS_NORMAL,
        KEYS_APPLICATION, /* DECCKM: cursor keys are ESC O x */
};

/* Appends to out, which must have room for KEYS_BYTES_MAX. */
bool keys_write(struct buf *out, struct str text, enum keys_mode mode, struct err *err);
