#pragma once
#include <malloc.h>

/* malloc.h is not in Swift's Glibc module. */
static inline void cmalloc_trim(void) { malloc_trim(0); }

/* One arena that grows by 1 MB: the arenas of threads grow by single pages, each a system call and a page fault. */
static inline void cmalloc_settle(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 1 << 20);
}
