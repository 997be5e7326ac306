#pragma once
#include <malloc.h>

/* malloc.h is not in Swift's Glibc module. */
static inline void cmalloc_trim(void) { malloc_trim(0); }
