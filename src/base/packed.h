#pragma once
/*
 * packed.h - numbers and strings as SSH packs them: four bytes, most significant first; a length
 * and so many bytes.
 *
 * Source:  RFC 4251 5 (uint32, string).
 *
 * Process: any. Pure.
 * Memory:  what is taken borrows from what it was taken from.
 */
#include "base/str.h"

#include <stdint.h>

#define PACKED_NUMBER_LEN 4

uint32_t packed_number_at(const void *bytes); /* PACKED_NUMBER_LEN of them have to be there */
void packed_put_number(void *out, uint32_t number);

/* Cuts a string off *rest; false: it is not all there, and both are as they were. */
bool packed_take(struct str *rest, struct str *out);
