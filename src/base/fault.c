#include "base/fault.h"

#ifdef FAULT_INJECTION
static unsigned calls_left; /* 0: off */

void fault_at(unsigned n)
{
        calls_left = n;
}

void fault_off(void)
{
        calls_left = 0;
}

bool fault_hit(void)
{
        return calls_left > 0 && --calls_left == 0;
}
#endif
