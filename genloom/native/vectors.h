// Sixteen lanes at a time, for any instruction set: the compiler's vector types, which become
// AVX-512, AVX2, NEON or plain code by the flags, and the few functions on them.
#pragma once
#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "formats.h"

namespace {

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint16_t vh __attribute__((vector_size(32)));
typedef vf vf_any __attribute__((aligned(4), may_alias));
typedef vi vi_any __attribute__((aligned(1), may_alias));
typedef vu vu_any __attribute__((aligned(1), may_alias));
typedef vh vh_any __attribute__((aligned(2), may_alias));

inline vf load(const float* p) { return *(const vf_any*)p; }
inline void store(float* p, vf x) { *(vf_any*)p = x; }
inline vf all(float x) { return x - vf{}; }
inline vi alli(int32_t x) { return x - vi{}; }
inline vf choose(vi mask, vf yes, vf no) { return (vf)(((vi)yes & mask) | ((vi)no & ~mask)); }
#if defined(__AVX512F__)
inline vf most(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
#else
inline vf most(vf a, vf b) { return choose(a > b, a, b); }
#endif

inline vf load_some(const float* p, int n) {
    if (n >= 16) return load(p);
    vf out{};
    memcpy(&out, p, n * sizeof(float));
    return out;
}
inline void store_some(float* p, vf x, int n) {
    if (n >= 16) return store(p, x);
    memcpy(p, &x, n * sizeof(float));
}
inline vi lanes_below(int n) {
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lane < n;
}

inline float sum(vf x) {
    float lane[16];
    memcpy(lane, &x, 64);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}
inline float largest(vf x) {
    float out = x[0];
    for (int i = 1; i < 16; i++) out = x[i] > out ? x[i] : out;
    return out;
}
inline vf magnitude(vf x) { return (vf)((vi)x & 0x7fffffff); }

// To the nearest bf16, ties to even, in the upper half of each lane.
inline vu rounded(vf x) {
    vu bits = (vu)x;
    return bits + 0x7fff + ((bits >> 16) & 1);
}
inline vh to_bf16(vf x) {
#if defined(__AVX512BF16__)
    return (vh)_mm512_cvtneps_pbh((__m512)x);
#else
    return __builtin_convertvector(rounded(x) >> 16, vh);
#endif
}
inline vf from_bf16(vh x) { return (vf)(__builtin_convertvector(x, vu) << 16); }
inline void put(float* p, vf x, int n) { store_some(p, x, n); }
inline void put(uint16_t* p, vf x, int n) {
    vh out = to_bf16(x);
    if (n >= 16) *(vh_any*)p = out;
    else memcpy(p, &out, n * 2);
}
inline vf get(const float* p) { return load(p); }
inline vf get(const uint16_t* p) { return from_bf16(*(const vh_any*)p); }
inline float get_one(const float* p) { return *p; }
inline float get_one(const uint16_t* p) {
    uint32_t bits = (uint32_t)*p << 16;
    float out;
    memcpy(&out, &bits, 4);
    return out;
}

// e^x within 2e-7 of it; exactly 0 for masked scores.
inline vf exponential(vf x) {
#if defined(__AVX512F__)  // the same series, with the rounding and scaling that the processor has
    __m512 a = _mm512_min_ps(_mm512_max_ps((__m512)x, _mm512_set1_ps(-126.0f)), _mm512_set1_ps(88.0f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(a, _mm512_set1_ps(1.44269504f)), 8);
    vf left = (vf)a - (vf)n * 0.693359375f;
    left = left + (vf)n * 2.12194440e-4f;
    vf series = all(1.9875691500e-4f);
    series = series * left + 1.3981999507e-3f;
    series = series * left + 8.3334519073e-3f;
    series = series * left + 4.1665795894e-2f;
    series = series * left + 1.6666665459e-1f;
    series = series * left + 5.0000001201e-1f;
    series = series * (left * left) + (left + 1.0f);
    return (vf)_mm512_scalef_ps((__m512)series, n);
#else
    vi tiny = x < -87.0f;
    x = choose(x > 88.0f, all(88.0f), x);
    x = choose(tiny, all(0.0f), x);
    const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to whole numbers
    vf turns = x * 1.44269504f + shift;
    vi power = (vi)turns << 23;
    turns = turns - shift;
    vf r = x - turns * 0.693359375f;
    r = r + turns * 2.12194440e-4f;
    vf p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + (r + 1.0f);
    return choose(tiny, all(0.0f), (vf)((vi)p + power));
#endif
}
inline vf tanh_of(vf x) { return 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f); }
inline vf gelu(vf x) {
    vf u = 1.5957691216f * (x + 0.044715f * x * x * x);
    return x / (1.0f + exponential(-u));
}
// By the error function (Abramowitz and Stegun 7.1.26, within 2e-7 of it).
inline vf gelu_erf(vf x) {
    vf z = magnitude(x) * 0.70710678f, t = 1.0f / (1.0f + 0.3275911f * z);
    vf p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    vf half = 0.5f * p * exponential(-z * z);  // of the tail beyond |x|
    return x * choose(x < 0.0f, half, 1.0f - half);
}
inline vf activated(int kind, vf x) {
    if (kind == SWIGLU) return x / (1.0f + exponential(-x));
    if (kind == RELU2) {
        x = choose(x > 0.0f, x, all(0.0f));
        return x * x;
    }
    if (kind == GELU_ERF) return gelu_erf(x);
    return gelu(x);
}

// 16 x 16 lanes of 32 bits: rows become columns.
inline void turned(vu* m) {
#if defined(__AVX512F__)
    __m512i* r = (__m512i*)m;
    __m512i t[16];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
        t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
        t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
        t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
        r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
        r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
        r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
    }
#else
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < i; j++) {
            uint32_t kept = m[i][j];
            m[i][j] = m[j][i];
            m[j][i] = kept;
        }
#endif
}

}  // namespace
