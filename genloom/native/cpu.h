// Which instruction sets this processor and its operating system offer, best last.
#pragma once
#include "formats.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static inline bool has_tiles() {
#if defined(__linux__)
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    bool there = (d >> 22 & 1) && (d >> 24 & 1) && (d >> 25 & 1);  // bf16, tiles, int8
    const int ask_permission = 0x1023, tile_data = 18;             // arch_prctl(2)
    return there && syscall(SYS_arch_prctl, ask_permission, tile_data) == 0;
#else
    return false;
#endif
}

static inline int best_isa() {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return PLAIN;
    bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vnni");
    if (!wide) return AVX2;
    unsigned a, b, c, d;
    bool bf16 = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
    if (!bf16) return AVX512;
    return has_tiles() ? AMX : AVX512_BF16;
}
#else
static inline int best_isa() { return PLAIN; }
#endif
