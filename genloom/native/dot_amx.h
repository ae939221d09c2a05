// The same products by the matrix units: tiles of 16 rows by 64 bytes. Panels lie in memory as the
// units read them. A sum runs along the inputs in one order for any number of rows; for int8 every
// group is exact and scaled like in dot.h, so that both give the same bits.
#pragma once
#include "dot.h"

#if defined(__AMX_TILE__)
namespace {

struct alignas(64) TileShape {
    uint8_t palette, start, rest[14];
    uint16_t bytes[16];
    uint8_t rows[16];
};

// Tiles 0 and 1 are sums of `upper` rows, 2 and 3 of `lower`; 4 and 5 their inputs; 6 and 7 weights.
inline void shape_tiles(int upper, int lower) {
    static thread_local int now = 0;
    if (now == upper * 100 + lower && upper > 0) return;
    now = upper * 100 + lower;
    if (!now) return _tile_release();
    TileShape shape{};
    shape.palette = 1;
    const int rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
    for (int t = 0; t < 8; t++) {
        shape.bytes[t] = 64;
        shape.rows[t] = rows[t];
    }
    _tile_loadconfig(&shape);
}

const int LINES_AHEAD = 2048;  // bytes of a panel asked for early, where weights come from memory

inline void soon_tile(const uint8_t* p) {
    for (int line = 0; line < 1024; line += 64) soon(p + line);
}

// Up to 32 rows with two panels (a missing one is read twice and left), inputs by the 32 from
// `from` to `to`; sums go on from what is in `out`, or begin.
template <bool BOTH>
void tiles_bf16(const uint8_t* w, size_t step, const uint8_t* a, size_t ld_a, int from, int to,
                float* out, int ld) {
    const uint8_t *b0 = w, *b1 = w + step, *a1 = a + 16 * ld_a;
    if (from) {
        _tile_loadd(0, out, ld * 4);
        _tile_loadd(1, out + 16, ld * 4);
        if (BOTH) {
            _tile_loadd(2, out + 16 * ld, ld * 4);
            _tile_loadd(3, out + 16 * ld + 16, ld * 4);
        }
    } else {
        _tile_zero(0);
        _tile_zero(1);
        if (BOTH) {
            _tile_zero(2);
            _tile_zero(3);
        }
    }
    for (int k = from; k < to; k++) {
        if (!BOTH) {
            soon_tile(b0 + (size_t)k * 1024 + LINES_AHEAD);
            soon_tile(b1 + (size_t)k * 1024 + LINES_AHEAD);
        }
        _tile_loadd(6, b0 + (size_t)k * 1024, 64);
        _tile_loadd(4, a + k * 64, ld_a);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b1 + (size_t)k * 1024, 64);
        _tile_dpbf16ps(1, 4, 7);
        if (BOTH) {
            _tile_loadd(5, a1 + k * 64, ld_a);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, out, ld * 4);
    _tile_stored(1, out + 16, ld * 4);
    if (BOTH) {
        _tile_stored(2, out + 16 * ld, ld * 4);
        _tile_stored(3, out + 16 * ld + 16, ld * 4);
    }
}

// sums += whole numbers * (scale of the row * scale of the output), for one group.
inline void scale_group(const int32_t* whole, int rows, const float* row_scale, int groups,
                        const float* s0, const float* s1, float* out, int ld) {
    vf left = load(s0), right = load(s1);
    for (int r = 0; r < rows; r++) {
        float scale = row_scale[(size_t)r * groups];
        float* to = out + r * ld;
        store(to, load(to) + __builtin_convertvector(load_bytes((const uint8_t*)(whole + r * 32)), vf) * (left * scale));
        store(to + 16, load(to + 16) + __builtin_convertvector(load_bytes((const uint8_t*)(whole + r * 32 + 16)), vf) * (right * scale));
    }
}

template <bool BOTH>
void tiles_int8(const uint8_t* w, size_t step, const Rows& x, int row, int rows, int from, int to,
                float* out, int ld) {
    alignas(64) int32_t whole[2][32 * 32];
    const uint8_t *a = x.row(row), *a1 = a + 16 * x.bytes();
    const size_t ld_a = x.bytes();
    const float* scale = x.scale + (size_t)row * x.groups;
    for (int r = 0; !from && r < rows; r++) {
        store(out + r * ld, vf{});
        store(out + r * ld + 16, vf{});
    }
    for (int g = from; g < to; g++) {
        const uint8_t *b0 = w + (size_t)g * 2112, *b1 = b0 + step;
        if (!BOTH)
            for (int k = 0; k < 2112; k += 64) {
                soon(b0 + LINES_AHEAD + k);
                soon(b1 + LINES_AHEAD + k);
            }
        _tile_zero(0);
        _tile_zero(1);
        if (BOTH) {
            _tile_zero(2);
            _tile_zero(3);
        }
        for (int k = 0; k < 2; k++) {
            _tile_loadd(6, b0 + k * 1024, 64);
            _tile_loadd(4, a + g * 128 + k * 64, ld_a);
            _tile_dpbssd(0, 4, 6);
            _tile_loadd(7, b1 + k * 1024, 64);
            _tile_dpbssd(1, 4, 7);
            if (BOTH) {
                _tile_loadd(5, a1 + g * 128 + k * 64, ld_a);
                _tile_dpbssd(2, 5, 6);
                _tile_dpbssd(3, 5, 7);
            }
        }
        if (g > from)  // the group before, while the units work on this one
            scale_group(whole[(g - 1) & 1], rows, scale + g - 1, x.groups,
                        (const float*)(b0 - 64), (const float*)(b1 - 64), out, ld);
        int32_t* made = whole[g & 1];
        _tile_stored(0, made, 128);
        _tile_stored(1, made + 16, 128);
        if (BOTH) {
            _tile_stored(2, made + 16 * 32, 128);
            _tile_stored(3, made + 16 * 32 + 16, 128);
        }
    }
    int g = to;
    const uint8_t* end = w + (size_t)g * 2112 - 64;
    scale_group(whole[(g - 1) & 1], rows, scale + g - 1, x.groups, (const float*)end,
                (const float*)(end + step), out, ld);
}

// rows of at most 32. Many rows go through the inputs in parts for which the rows' share stays in
// the first cache while all panels pass.
inline void amx_panels(const Matrix& m, const Rows& x, int row, int rows, int panel, int panels,
                       float* out, int ld) {
    size_t step = panel_bytes(m.format, m.inputs);
    int upper = rows > 16 ? 16 : rows, lower = rows > 16 ? rows - 16 : rows;
    shape_tiles(upper, lower);
    bool whole = m.format == BF16, both = rows > 16;
    int end = whole ? x.stride / 32 : x.groups, part = both ? (whole ? 16 : 6) : end;
    for (int from = 0; from < end; from += part) {
        int to = from + part < end ? from + part : end;
        for (int p = 0; p < panels; p += 2) {
            const uint8_t *w = m.data + (panel + p) * step, *a = x.row(row);
            size_t next = p + 1 < panels ? step : 0;
            float* sums = out + p * 16;
            if (whole && both) tiles_bf16<true>(w, next, a, x.bytes(), from, to, sums, ld);
            else if (whole) tiles_bf16<false>(w, next, a, x.bytes(), from, to, sums, ld);
            else if (both) tiles_int8<true>(w, next, x, row, rows, from, to, sums, ld);
            else tiles_int8<false>(w, next, x, row, rows, from, to, sums, ld);
        }
    }
}

}  // namespace
#else
namespace {
inline void shape_tiles(int, int) {}
}  // namespace
#endif
