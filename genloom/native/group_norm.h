// Group norm of grids whose channels lie last, moved and scaled by what an item was told, and SiLU,
// in one call: sums, squared distances from the mean, and what is put out.
#pragma once
#include "kernels.h"
#include "vectors.h"

namespace {

// Of each channel [C, padded to 16]: the sum over places of (x - off), or of its square.
template <class T>
void add_places(const T* x, int places, int channels, const float* off, float* out) {
    for (int c = 0; c < channels; c += 16) {
        vf first{}, second{}, from = off ? load(off + c) : vf{};
        for (int p = 0; p < places; p += 2) {
            vf a = get(x + (size_t)p * channels + c) - from;
            first += off ? a * a : a;
            if (p + 1 == places) break;
            vf b = get(x + (size_t)(p + 1) * channels + c) - from;
            second += off ? b * b : b;
        }
        store(out + c, first + second);
    }
}

// Every channel of a group becomes the group's mean of them over all places.
inline void share_groups(float* sums, const GroupNorm& n) {
    int wide = n.channels / n.groups;
    for (int g = 0; g < n.channels; g += wide) {
        float total = 0.0f;
        for (int c = g; c < g + wide; c++) total += sums[c];
        for (int c = g; c < g + wide; c++) sums[c] = total / ((float)wide * n.places);
    }
}

template <class T>
void norm_item(const GroupNorm& n, int item) {
    float mean[MOST_CHANNELS], gain[MOST_CHANNELS], level[MOST_CHANNELS];
    size_t size = (size_t)n.places * n.channels;
    const T* x = (const T*)n.x + item * size;
    T* out = (T*)n.out + item * size;
    add_places(x, n.places, n.channels, nullptr, mean);
    share_groups(mean, n);
    add_places(x, n.places, n.channels, mean, gain);
    share_groups(gain, n);
    const float* shift = n.told ? n.told + (size_t)item * n.told_width : nullptr;
    for (int c = 0; c < n.channels; c++) {
        float own = n.gain[c] / sqrtf(gain[c] + n.eps), base = n.bias[c] - mean[c] * own;
        float more = shift ? 1.0f + shift[n.channels + c] : 1.0f;
        gain[c] = own * more;
        level[c] = base * more + (shift ? shift[c] : 0.0f);
    }
    for (int p = 0; p < n.places; p++)
        for (int c = 0; c < n.channels; c += 16) {
            vf y = get(x + (size_t)p * n.channels + c) * load(gain + c) + load(level + c);
            put(out + (size_t)p * n.channels + c, n.active ? activated(SWIGLU, y) : y, 16);
        }
}

inline void group_norm(const GroupNorm& n) {
    for (int item = 0; item < n.items; item++)
        n.half ? norm_item<uint16_t>(n, item) : norm_item<float>(n, item);
}

}  // namespace
