// Looking back by the matrix units, for bf16 pages: 16 columns of queries (positions times heads of
// a group) at once. Scores turned are keys x queries, the answer turned is values x chances, so both
// page layouts are read as they lie and a softmax runs down vectors. Same order as attention.h.
#pragma once
#include "attention.h"
#include "dot_amx.h"

#if defined(__AMX_TILE__)
namespace {

const int MOST_SIZE = 256;

struct Columns {
    alignas(64) vu query[MOST_SIZE / 2];  // pairs of the head dimension x 16 columns
    alignas(64) vf answer[MOST_SIZE];
    alignas(64) vf score[PAGE];
    alignas(64) vu chance[PAGE / 2];
    alignas(64) vf made[MOST_SIZE];
};

inline bool fits_tiles(int size) { return size % 32 == 0 && size <= MOST_SIZE; }

// query rows [columns][size] -> pairs of bf16 down, columns across.
inline void lay_queries(const float* const* rows, int columns, int size, Columns& c) {
    for (int pair = 0; pair < size / 2; pair += 16) {
        vu* block = c.query + pair;
        for (int i = 0; i < columns; i++) {
            vh half[2] = {to_bf16(load(rows[i] + pair * 2)), to_bf16(load(rows[i] + pair * 2 + 16))};
            memcpy(block + i, half, 64);
        }
        for (int i = columns; i < 16; i++) block[i] = vu{};
        turned(block);
    }
}

inline void score_page(const uint16_t* keys, int size, Columns& c) {
    _tile_zero(0);
    _tile_zero(1);
    for (int k = 0; k < size / 32; k++) {
        _tile_loadd(6, c.query + k * 16, 64);
        _tile_loadd(4, keys + k * 32, size * 2);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, keys + 16 * size + k * 32, size * 2);
        _tile_dpbf16ps(1, 5, 6);
    }
    _tile_stored(0, c.score, 64);
    _tile_stored(1, c.score + 16, 64);
}

inline void gather_page(const uint16_t* values, int size, Columns& c) {
    _tile_loadd(6, c.chance, 64);
    for (int e = 0; e < size; e += 32) {
        _tile_zero(0);
        _tile_loadd(4, values + e * PAGE, PAGE * 2);
        _tile_dpbf16ps(0, 4, 6);
        _tile_zero(1);
        _tile_loadd(5, values + (e + 16) * PAGE, PAGE * 2);
        _tile_dpbf16ps(1, 5, 6);
        _tile_stored(0, c.made + e, 64);
        _tile_stored(1, c.made + e + 16, 64);
    }
}

// positions: of each column. out[column]: its [size] floats.
inline void look_back_tiles(const float* const* rows, const vi& positions, int columns,
                            const Look& look, const uint16_t* keys, const uint16_t* values,
                            const Sight& s, Columns& c, float* const* out) {
    shape_tiles(16, 16);
    lay_queries(rows, columns, s.size, c);
    for (int e = 0; e < s.size; e++) c.answer[e] = vf{};
    vf top = all(-1e30f), parts{};
    int last = look.first + look.count - 1, begin = first_seen(look.first, s.window);
    vi from = s.window ? positions - s.window : alli(-1);  // the last position not seen
    for (int page = begin / PAGE; page <= last / PAGE; page++) {
        size_t at = look.pages[page] * s.page_stride;
        score_page(keys + at, s.size, c);
        bool edge = (page + 1) * PAGE > look.first + 1 || s.window;
        vf now = top;
        for (int j = 0; j < PAGE; j++) {
            vf score = capped(c.score[j], s);
            if (edge) {
                int position = page * PAGE + j;
                score = choose((positions >= position) & (from < position), score, all(-INFINITY));
            }
            c.score[j] = score;
            now = most(score, now);
        }
        vf kept = exponential(top - now);
        top = now;
        vf added{};
        for (int j = 0; j < PAGE; j += 2) {
            vf even = exponential(c.score[j] - now), odd = exponential(c.score[j + 1] - now);
            added += even + odd;
            c.chance[j / 2] = (rounded(even) >> 16) | (rounded(odd) & 0xffff0000u);
        }
        parts = parts * kept + added;
        gather_page(values + at, s.size, c);
        for (int e = 0; e < s.size; e++) c.answer[e] = c.answer[e] * kept + c.made[e];
    }
    vf by = 1.0f / parts;
    for (int e = 0; e < s.size; e += 16) {
        vu block[16];
        for (int i = 0; i < 16; i++) block[i] = (vu)(c.answer[e + i] * by);
        turned(block);
        for (int i = 0; i < columns; i++) store(out[i] + e, (vf)block[i]);
    }
}

}  // namespace
#endif
