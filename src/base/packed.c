#include "base/packed.h"

uint32_t packed_number_at(const void *bytes)
{
        const uint8_t *at = bytes;

        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void packed_put_number(void *out, uint32_t number)
{
        uint8_t *at = out;

        at[0] = (uint8_t)(number >> 24);
        at[1] = (uint8_t)(number >> 16);
        at[2] = (uint8_t)(number >> 8);
        at[3] = (uint8_t)number;
}

bool packed_take(struct str *rest, struct str *out)
{
        if (rest->len < PACKED_NUMBER_LEN)
                return false;
        size_t len = packed_number_at(rest->ptr);
        if (rest->len - PACKED_NUMBER_LEN < len)
                return false;
        *out = (struct str){ rest->ptr + PACKED_NUMBER_LEN, len };
        *rest = (struct str){ out->ptr + len, rest->len - PACKED_NUMBER_LEN - len };
        return true;
}
