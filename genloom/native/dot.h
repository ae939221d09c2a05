// Products of few rows with panels of weights, for any instruction set. Every row keeps sums of its
// own, in the order of the inputs: whoever shares the call, its result is the same to the last bit.
// R rows and P panels stay in registers. Whole-number groups are exact, then scaled in their order.
#pragma once
#include "rows.h"

namespace {

inline void soon(const void* p) { __builtin_prefetch(p, 0, 3); }

// sums += low * low' + high * high' over pairs of bf16; x is the same pair in every lane.
inline vf dot2(vf sums, vu w, uint32_t x) {
#if defined(__AVX512BF16__)
    return (vf)_mm512_dpbf16_ps((__m512)sums, (__m512bh)w, (__m512bh)_mm512_set1_epi32(x));
#else
    uint32_t low = x << 16, high = x & 0xffff0000u;
    float a, b;
    memcpy(&a, &low, 4);
    memcpy(&b, &high, 4);
    sums += (vf)(w << 16) * a;
    return sums + (vf)(w & 0xffff0000u) * b;
#endif
}

// sums += quads of bytes times a quad that is the same in every lane. With the unsigned dot
// product of AVX-512 signed weights are moved up by 128, which OFFSET takes off again.
#if defined(__AVX512VNNI__)
const int OFFSET = 128;
inline vi lifted(vi w) { return w ^ (int32_t)0x80808080; }
inline vi dot4(vi sums, vi w, int32_t x) {
    return (vi)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)w, _mm512_set1_epi32(x));
}
inline vi dot4_nibbles(vi sums, vi w, int32_t x) { return dot4(sums, w, x); }
#else
const int OFFSET = 0;
inline vi lifted(vi w) { return w; }
inline vi dot4(vi sums, vi w, int32_t x) {
#if defined(__AVX2__)
    __m256i half[2], sum[2];
    memcpy(half, &w, 64);
    memcpy(sum, &sums, 64);
    int32_t even = (int32_t)(((uint32_t)(int16_t)(int8_t)(x) & 0xffff) |
                             ((uint32_t)(int16_t)(int8_t)(x >> 16) << 16));
    int32_t odd = (int32_t)(((uint32_t)(int16_t)(int8_t)(x >> 8) & 0xffff) |
                            ((uint32_t)(int16_t)(int8_t)(x >> 24) << 16));
    __m256i x02 = _mm256_set1_epi32(even), x13 = _mm256_set1_epi32(odd);
    for (int i = 0; i < 2; i++) {
        __m256i w02 = _mm256_srai_epi16(_mm256_slli_epi16(half[i], 8), 8);
        __m256i w13 = _mm256_srai_epi16(half[i], 8);
        sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(w02, x02));
        sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(w13, x13));
    }
    memcpy(&sums, sum, 64);
    return sums;
#else
    for (int byte = 0; byte < 4; byte++)
        sums += ((w << (24 - 8 * byte)) >> 24) * (int32_t)(int8_t)(x >> (8 * byte));
    return sums;
#endif
}
#if defined(__ARM_FEATURE_DOTPROD)
#define GL_NEON_DOT 1
#endif
inline vi dot4_nibbles(vi sums, vi w, int32_t x) { return dot4(sums, w, x); }
#endif

inline vi load_bytes(const uint8_t* p) { return *(const vi_any*)p; }

template <int R, int P>
void dot_f32(const uint8_t* w, size_t step, const Rows& x, int row, float* out, int ld) {
    vf sums[R][P] = {};
    for (int k = 0; k < x.stride; k++)
        for (int p = 0; p < P; p++) {
            vf weight = load((const float*)(w + p * step) + (size_t)k * 16);
            for (int r = 0; r < R; r++)
                sums[r][p] += weight * ((const float*)x.row(row + r))[k];
        }
    for (int r = 0; r < R; r++)
        for (int p = 0; p < P; p++) store(out + r * ld + p * 16, sums[r][p]);
}

template <int R, int P>
void dot_bf16(const uint8_t* w, size_t step, const Rows& x, int row, float* out, int ld) {
    vf sums[R][P] = {};
    for (int k = 0; k < x.stride / 2; k++)
        for (int p = 0; p < P; p++) {
            const uint8_t* at = w + p * step + (size_t)k * 64;
            soon(at + 1024);
            vu weight = *(const vu_any*)at;
            for (int r = 0; r < R; r++)
                sums[r][p] = dot2(sums[r][p], weight, ((const uint32_t*)x.row(row + r))[k]);
        }
    for (int r = 0; r < R; r++)
        for (int p = 0; p < P; p++) store(out + r * ld + p * 16, sums[r][p]);
}

template <int R, int P>
void dot_int8(const uint8_t* w, size_t step, const Rows& x, int row, float* out, int ld) {
    vf sums[R][P] = {};
    const int groups = x.groups;
    for (int g = 0; g < groups; g++) {
        vi dots[R][P];
        for (int r = 0; r < R; r++)
            for (int p = 0; p < P; p++)
                dots[r][p] = alli(-OFFSET * x.total[(size_t)(row + r) * groups + g]);
        const uint8_t* at = w + (size_t)g * 2112;
        for (int k = 0; k < 32; k++)
            for (int p = 0; p < P; p++) {
                soon(at + p * step + k * 64 + 2112);
                vi weight = lifted(load_bytes(at + p * step + k * 64));
                for (int r = 0; r < R; r++)
                    dots[r][p] = dot4(dots[r][p], weight,
                                      ((const int32_t*)x.row(row + r))[g * 32 + k]);
            }
        for (int p = 0; p < P; p++) {
            vf scale = load((const float*)(at + p * step + 2048));
            for (int r = 0; r < R; r++) {
                vf each = scale * x.scale[(size_t)(row + r) * groups + g];
                sums[r][p] += __builtin_convertvector(dots[r][p], vf) * each;
            }
        }
    }
    for (int r = 0; r < R; r++)
        for (int p = 0; p < P; p++) store(out + r * ld + p * 16, sums[r][p]);
}

template <int R, int P>
void dot_int4(const uint8_t* w, size_t step, const Rows& x, int row, float* out, int ld) {
    vf sums[R][P] = {};
    const int groups = x.groups;
    const vi low = alli(0x0f0f0f0f);
    for (int g = 0; g < groups; g++) {
        vi dots[R][P];
        for (int r = 0; r < R; r++)
            for (int p = 0; p < P; p++)
                dots[r][p] = alli(-8 * x.total[(size_t)(row + r) * groups + g]);
        const uint8_t* at = w + (size_t)(g / 2) * 576 + (g & 1) * 256;
        const uint8_t* scales = w + (size_t)(g / 2) * 576 + 512 + (g & 1) * 32;
        for (int k = 0; k < 4; k++)
            for (int p = 0; p < P; p++) {
                soon(at + p * step + k * 64 + 1152);
                vi both = load_bytes(at + p * step + k * 64);
                vi even = both & low, odd = (vi)((vu)both >> 4) & low;
                for (int r = 0; r < R; r++) {
                    const int32_t* quad = (const int32_t*)x.row(row + r) + g * 8 + 2 * k;
                    dots[r][p] = dot4_nibbles(dots[r][p], even, quad[0]);
                    dots[r][p] = dot4_nibbles(dots[r][p], odd, quad[1]);
                }
            }
        for (int p = 0; p < P; p++) {
            vf scale = from_bf16(*(const vh_any*)(scales + p * step));
            for (int r = 0; r < R; r++) {
                vf each = scale * x.scale[(size_t)(row + r) * groups + g];
                sums[r][p] += __builtin_convertvector(dots[r][p], vf) * each;
            }
        }
    }
    for (int r = 0; r < R; r++)
        for (int p = 0; p < P; p++) store(out + r * ld + p * 16, sums[r][p]);
}

template <int R, int P>
void dot_any(int format, const uint8_t* w, size_t step, const Rows& x, int row, float* out,
             int ld) {
    if (format == F32) dot_f32<R, P>(w, step, x, row, out, ld);
    else if (format == BF16) dot_bf16<R, P>(w, step, x, row, out, ld);
    else if (format == INT8) dot_int8<R, P>(w, step, x, row, out, ld);
    else dot_int4<R, P>(w, step, x, row, out, ld);
}

// R rows with `panels` panels, P of them at a time.
template <int R, int P>
void dot_rows(const Matrix& m, const Rows& x, int row, int panel, int panels, float* out, int ld) {
    size_t step = panel_bytes(m.format, m.inputs);
    int p = 0;
    for (; p + P <= panels; p += P)
        dot_any<R, P>(m.format, m.data + (panel + p) * step, step, x, row, out + p * 16, ld);
    for (; p < panels; p++)
        dot_any<R, 1>(m.format, m.data + (panel + p) * step, step, x, row, out + p * 16, ld);
}

inline void dot_panels(const Matrix& m, const Rows& x, int row, int rows, int panel, int panels,
                       float* out, int ld) {
    for (int p = 0; p < panels; p += 2) {  // a pair of panels stays in the cache for all rows
        int few = panels - p < 2 ? 1 : 2, r = 0;
        if (rows <= 2) few = panels;
        for (; r + 8 <= rows; r += 8)
            dot_rows<8, 1>(m, x, row + r, panel + p, few, out + r * ld + p * 16, ld);
        for (; r + 4 <= rows; r += 4)
            dot_rows<4, 2>(m, x, row + r, panel + p, few, out + r * ld + p * 16, ld);
        for (; r + 2 <= rows; r += 2)
            dot_rows<2, 2>(m, x, row + r, panel + p, few, out + r * ld + p * 16, ld);
        for (; r < rows; r++)
            dot_rows<1, 4>(m, x, row + r, panel + p, few, out + r * ld + p * 16, ld);
        if (rows <= 2) break;
    }
}

}  // namespace
