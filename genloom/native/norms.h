// Norms and turning of positions: what acts on one row or one head.
#pragma once
#include "vectors.h"

namespace {

// out = normalised x of n numbers; x and out may be one.
inline void normalise(const Norm& by, const float* x, int n, float* out) {
    vf sums{};
    float mean = 0.0f;
    if (by.layer) {
        for (int i = 0; i < n; i += 16) sums += load_some(x + i, n - i);
        mean = sum(sums) / n;
        sums = vf{};
    }
    for (int i = 0; i < n; i += 16) {
        vf off = load_some(x + i, n - i) - mean;
        if (n - i < 16) off = choose(lanes_below(n - i), off, vf{});
        sums += off * off;
    }
    float scale = 1.0f / sqrtf(sum(sums) / n + by.eps);
    for (int i = 0; i < n; i += 16) {
        vf y = (load_some(x + i, n - i) - mean) * scale * load_some(by.gain + i, n - i);
        if (by.bias) y += load_some(by.bias + i, n - i);
        store_some(out + i, y, n - i);
    }
}

// Pairs (x[i], x[i + pairs]) by the angle whose cosine and sine are given.
inline void turn(float* x, const float* cosine, const float* sine, int pairs) {
    for (int i = 0; i < pairs; i += 16) {
        int n = pairs - i;
        vf c = load_some(cosine + i, n), s = load_some(sine + i, n);
        vf a = load_some(x + i, n), b = load_some(x + pairs + i, n);
        store_some(x + i, a * c - b * s, n);
        store_some(x + pairs + i, b * c + a * s, n);
    }
}

}  // namespace
