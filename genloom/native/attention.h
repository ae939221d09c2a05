// Looking back over pages, for any sizes and instruction set: one query head at a time, page by
// page in the order of positions, with a running maximum. What a query gets depends on its own
// sequence alone, not on how many queries share the call or where a chunk began.
#pragma once
#include "rows.h"

// One task: queries first .. first + count - 1 of a sequence, all heads of one group.
struct Look {
    int row, first, count;  // row in the batch and position of the first query
    const int32_t* pages;
};

struct Sight {
    int heads, groups, size, window;
    float scale, cap;
    size_t page_stride;  // numbers from a page to the next
};

namespace {

inline int first_seen(int position, int window) {
    return window && position >= window ? position - window + 1 : 0;
}

inline vf capped(vf score, const Sight& s) {
    score = score * s.scale;
    return s.cap > 0.0f ? s.cap * tanh_of(score * (1.0f / s.cap)) : score;
}

template <class T>
float dot_key(const float* q, const T* key, int size) {
    vf sums{};
    int e = 0;
    for (; e + 16 <= size; e += 16) sums += load(q + e) * get(key + e);
    float out = sum(sums);
    for (; e < size; e++) out += q[e] * get_one(key + e);
    return out;
}

// q, out: one head's [size]. keys, values: this layer's and group's part of page 0.
template <class T>
void look_back(const float* q, const Look& look, int position, const T* keys, const T* values,
               const Sight& s, vf* gathered, float* out) {
    const int size = s.size, from = first_seen(position, s.window);
    float top = -1e30f;
    vf parts{};
    for (int e = 0; e < size; e++) gathered[e] = vf{};
    for (int page = from / PAGE; page <= position / PAGE; page++) {
        size_t at = look.pages[page] * s.page_stride;
        float scores[PAGE];
        for (int j = 0; j < PAGE; j++) scores[j] = dot_key(q, keys + at + (size_t)j * size, size);
        vf half[2];
        for (int i = 0; i < 2; i++) {
            int begin = page * PAGE + i * 16;
            vi seen = lanes_below(position + 1 - begin) & ~lanes_below(from - begin);
            half[i] = choose(seen, capped(load(scores + i * 16), s), all(-INFINITY));
        }
        float now = largest(most(half[0], half[1]));
        now = now > top ? now : top;
        float kept = exponential(all(top - now))[0];
        top = now;
        for (int i = 0; i < 2; i++) half[i] = exponential(half[i] - now);
        parts = parts * kept + (half[0] + half[1]);
        const T* v = values + at;
        for (int e = 0; e < size; e++)
            gathered[e] = gathered[e] * kept + half[0] * get(v + e * PAGE) + half[1] * get(v + e * PAGE + 16);
    }
    float by = 1.0f / sum(parts);
    for (int e = 0; e < size; e++) out[e] = sum(gathered[e]) * by;
}

}  // namespace
