#pragma once
/*
 * secret_forms.h - in what forms a secret may turn up in a text.
 *
 * As it is; base64 and base64url (RFC 4648) at each of the three alignments that a neighbour can
 * bring about, without the characters that depend on the neighbours; hex in both cases;
 * percent-encoded (RFC 3986, and `+` for a blank); quoted for a shell; escaped for JSON
 * (RFC 8259: as little as must be, or ASCII only); and as log_quote() writes it.
 *
 * Process: supervisor. Pure.
 * Memory:  a form is borrowed for the call and wiped after it.
 */
#include "base/str.h"

typedef void secret_form_visit(void *arg, struct str form);

/* The same form may come twice. secret: not empty. */
void secret_forms_each(struct str secret, secret_form_visit *visit, void *arg);
