#pragma once
/*
 * fault.h - make the n-th call that may fail, fail. For tests.
 *
 * Calls that may fail ask fault_hit() first. Built without FAULT_INJECTION it is a constant
 * false and costs nothing.
 *
 * Process: any.
 */
#include <stdbool.h>

#ifdef FAULT_INJECTION
void fault_at(unsigned n); /* the n-th call from now on fails, once; counts from 1 */
void fault_off(void);
bool fault_hit(void);
#else
static inline bool fault_hit(void)
{
        return false;
}
#endif
