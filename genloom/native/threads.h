// The threads of one call: a team that meets at barriers and takes tasks from one counter. Waiting
// is a short spin (a phase of a small model lasts microseconds), then a yield. Builtins instead of
// <atomic>: kernels are compiled once per instruction set and must not share inlined library code.
#pragma once
#include <sched.h>

struct Team {
    int count;
    alignas(64) int arrived;
    alignas(64) int phase;
    alignas(64) int next;
};

static inline void breathe() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// All arrive before any goes on; the counter of tasks starts again.
static inline void meet(Team& team) {
    if (team.count == 1) {
        team.next = 0;
        return;
    }
    int phase = __atomic_load_n(&team.phase, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&team.arrived, 1, __ATOMIC_ACQ_REL) == team.count) {
        __atomic_store_n(&team.arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&team.next, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&team.phase, phase + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int spins = 0; __atomic_load_n(&team.phase, __ATOMIC_ACQUIRE) == phase; spins++) {
        breathe();
        if (spins > 2000) sched_yield();
    }
}

static inline int take(Team& team) { return __atomic_fetch_add(&team.next, 1, __ATOMIC_RELAXED); }

typedef void (*Work)(void* what, Team& team, int me);
