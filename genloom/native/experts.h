// A feed-forward of many experts: each row asks the best few, rows are sorted by expert, and a row
// adds its answers in the order of the experts, so that its sum does not depend on its mates.
#pragma once
#include "linear.h"
#include "space.h"

namespace {

// Softmax over all experts, the best `asked`, in the order of the experts.
inline void route(const Stack& s, const Layer& layer, const Space& space, int row, const float* x) {
    float chance[4096], total = 0.0f, top = -INFINITY;
    for (int e = 0; e < layer.experts; e++) {
        vf sums{};
        for (int i = 0; i < space.wide; i += 16)
            sums += load(x + i) * load(layer.router + (size_t)e * space.wide + i);
        chance[e] = sum(sums);
        top = chance[e] > top ? chance[e] : top;
    }
    for (int e = 0; e < layer.experts; e++) total += chance[e] = expf(chance[e] - top);
    int32_t* asked = space.asked + (size_t)row * s.asked;
    float* share = space.chance + (size_t)row * s.asked;
    float kept = 0.0f;
    for (int k = 0; k < s.asked; k++) {
        int best = -1;
        for (int e = 0; e < layer.experts; e++)
            if (chance[e] >= 0.0f && (best < 0 || chance[e] > chance[best])) best = e;
        kept += chance[best];
        int at = k;
        for (; at && asked[at - 1] > best; at--) {
            asked[at] = asked[at - 1];
            share[at] = share[at - 1];
        }
        asked[at] = best;
        share[at] = chance[best];
        chance[best] = -1.0f;
    }
    for (int k = 0; k < s.asked; k++) share[k] /= s.normalised ? kept : total;
}

// Rows sorted by the expert asked: begin[e] .. begin[e + 1], and where each answer will stand.
inline void sort_rows(const Stack& s, const Layer& layer, const Space& space, int rows) {
    int slots = rows * s.asked;
    memset(space.begin, 0, (layer.experts + 1) * sizeof(int32_t));
    for (int i = 0; i < slots; i++) space.begin[space.asked[i] + 1]++;
    for (int e = 0; e < layer.experts; e++) space.begin[e + 1] += space.begin[e];
    for (int i = 0; i < slots; i++) {
        int to = space.begin[space.asked[i]]++;
        space.slot[i] = to;
        space.owner[to] = i / s.asked;
    }
    for (int e = layer.experts; e > 0; e--) space.begin[e] = space.begin[e - 1];
    space.begin[0] = 0;
}

inline Rows from_row(const Rows& rows, int r) {
    Rows out = rows;
    out.data += r * rows.bytes();
    if (rows.groups) {
        out.scale += (size_t)r * rows.groups;
        out.total += (size_t)r * rows.groups;
    }
    return out;
}

inline void copy_row(const Rows& from, int a, Rows& to, int b) {
    memcpy(to.row(b), from.row(a), from.bytes());
    for (int g = 0; g < from.groups; g++) {
        to.scale[(size_t)b * to.groups + g] = from.scale[(size_t)a * from.groups + g];
        to.total[(size_t)b * to.groups + g] = from.total[(size_t)a * from.groups + g];
    }
}

// space.in -> added to `to` [rows, wide] (or put there, where a norm stands behind).
inline void feed_experts(const Stack& s, const Layer& layer, Space& space, int rows, float* to,
                         bool add, Team& team, int me) {
    if (me == 0) sort_rows(s, layer, space, rows);
    meet(team);
    int slots = rows * s.asked;
    for (int i; (i = take(team)) < slots;) copy_row(space.in, space.owner[i], space.sorted, i);
    meet(team);
    for (int e = 0; e < layer.experts; e++) {
        int from = space.begin[e], count = space.begin[e + 1] - from;
        if (!count) continue;
        const Matrix& down = layer.expert_down[e];
        Rows asked = from_row(space.sorted, from);
        Rows hidden = from_row(rows_at(space.hidden.data, down.format, down.inputs, slots), from);
        multiply_activated(layer.expert_up[e], asked, count, s.activation, hidden, team);
        meet(team);
        multiply_into(down, hidden, count, space.answers + (size_t)from * space.wide,
                      space.wide, false, team);
        meet(team);
    }
    for (int r; (r = take(team)) < rows;)
        for (int i = 0; i < space.wide; i += 16) {
            float* at = to + (size_t)r * space.wide + i;
            vf sums = add ? load(at) : vf{};
            for (int k = 0; k < s.asked; k++) {
                size_t j = (size_t)r * s.asked + k;
                sums += load(space.answers + (size_t)space.slot[j] * space.wide + i) * space.chance[j];
            }
            store(at, sums);
        }
}

}  // namespace
