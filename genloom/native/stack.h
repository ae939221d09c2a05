// The decoder stack for the rows of one chunk, as phases between which the threads meet.
#pragma once
#include "attention_amx.h"
#include "experts.h"
#include "norms.h"

namespace {

inline void unpack_row(const Matrix& m, int o, float* out) {
    const uint8_t* panel = m.data + (size_t)(o / WIDE) * panel_bytes(m.format, m.inputs);
    int lane = o % WIDE;
    for (int k = 0; k < m.inputs; k++) {
        if (m.format == F32) {
            out[k] = ((const float*)panel)[(size_t)k * 16 + lane];
        } else if (m.format == BF16) {
            out[k] = get_one((const uint16_t*)panel + (size_t)(k / 2) * 32 + lane * 2 + k % 2);
        } else if (m.format == INT8) {
            const uint8_t* group = panel + (size_t)(k / 128) * 2112;
            int8_t q = (int8_t)group[k % 128 / 4 * 64 + lane * 4 + k % 4];
            out[k] = q * ((const float*)(group + 2048))[lane];
        } else {
            const uint8_t* block = panel + (size_t)(k / 64) * 576;
            uint8_t both = block[k % 64 / 8 * 64 + lane * 4 + k % 4];
            int q = (k % 8 < 4 ? both & 15 : both >> 4) - 8;
            out[k] = q * get_one((const uint16_t*)(block + 512) + k % 64 / 32 * 16 + lane);
        }
    }
}

inline void begin_row(const Step& step, const Space& space, int r) {
    const Stack& s = *step.stack;
    float* h = space.h + (size_t)r * space.wide;
    memset(h, 0, space.wide * sizeof(float));
    unpack_row(s.embed, (int)step.ids[r], h);
    int position = step.places[r].position;
    for (int i = 0; i < s.width; i++) {
        h[i] *= s.embed_scale;
        if (s.place) h[i] += s.place[(size_t)position * space.wide + i];
    }
    for (int t = 0; t < 2; t++) {
        if (!s.frequency[t]) continue;
        float *cosine = space.cosine(t, r, step.rows), *sine = cosine + space.pairs;
        for (int p = 0; p < s.pairs; p++) {
            float angle = position * s.frequency[t][p];
            cosine[p] = cosf(angle) * s.turn_gain[t];
            sine[p] = sinf(angle) * s.turn_gain[t];
        }
    }
}

// What stands between two branches: the norm behind the last one, and the norm before the next.
inline void settle(const Step& step, Space& space, const Norm& behind, const Norm& before,
                   const Layer* router, float* out, Team& team) {
    const Stack& s = *step.stack;
    alignas(64) static thread_local float made[1 << 16];
    int each = step.rows > 64 ? 8 : 1, tasks = (step.rows + each - 1) / each;
    for (int task; (task = take(team)) < tasks;)
        for (int r = task * each; r < step.rows && r < (task + 1) * each; r++) {
            float* h = space.h + (size_t)r * space.wide;
            if (behind.gain) {
                normalise(behind, space.branch + (size_t)r * space.wide, s.width, made);
                for (int i = 0; i < s.width; i++) h[i] += made[i];
            }
            if (out) {
                normalise(before, h, s.width, out + (size_t)r * s.width);
                continue;
            }
            const float* x = h;
            if (before.gain) {
                normalise(before, h, s.width, made);
                x = made;
            }
            put_row(space.in, r, x);
            if (router && router->experts) {
                if (x == made) memset(made + s.width, 0, (space.wide - s.width) * sizeof(float));
                route(s, *router, space, r, x);
            }
        }
    meet(team);
}

template <class T>
void write_pages(const Step& step, int number, int r, int g, const float* k, const float* v) {
    const Stack& s = *step.stack;
    const Batch& b = *step.batch;
    const Place& at = step.places[r];
    int page = b.table[(size_t)at.sequence * b.table_width + at.position / PAGE];
    size_t block = (((size_t)number * b.pages + page) * s.groups + g) * PAGE * s.size;
    int place = at.position % PAGE;
    T* keys = (T*)b.keys + block + (size_t)place * s.size;
    T* values = (T*)b.values + block + place;
    for (int e = 0; e < s.size; e += 16) put(keys + e, load_some(k + e, s.size - e), s.size - e);
    for (int e = 0; e < s.size; e += 16) {
        T some[16];
        int n = s.size - e < 16 ? s.size - e : 16;
        put(some, load_some(v + e, n), 16);
        for (int i = 0; i < n; i++) values[(size_t)(e + i) * PAGE] = some[i];
    }
    if (!at.fresh) return;
    memset(keys + s.size, 0, (size_t)(PAGE - 1 - place) * s.size * sizeof(T));
    for (int e = 0; e < s.size; e++)
        memset(values + (size_t)e * PAGE + 1, 0, (PAGE - 1 - place) * sizeof(T));
}

inline void ready_head(const Step& step, const Space& space, const Layer& layer, const Norm& by,
                       int r, float* head) {
    const Stack& s = *step.stack;
    if (by.gain && !s.whole) normalise(by, head, s.size, head);
    if (layer.turn < 0) return;
    const float* cosine = space.cosine(layer.turn, r, step.rows);
    turn(head, cosine, cosine + space.pairs, s.pairs);
}

// Of one row, the heads of some groups.
inline void ready_row(const Step& step, Space& space, const Layer& layer, int number, int r,
                      int first, int count) {
    const Stack& s = *step.stack;
    int heads = s.heads / s.groups;
    float *q = space.qkv + (size_t)r * space.qkv_wide, *k = q + s.heads * s.size;
    float* v = k + s.groups * s.size;
    if (s.whole) {
        normalise(layer.q_norm, q, s.heads * s.size, q);
        normalise(layer.k_norm, k, s.groups * s.size, k);
    }
    for (int g = first; g < first + count; g++) {
        for (int i = g * heads; i < (g + 1) * heads; i++)
            ready_head(step, space, layer, layer.q_norm, r, q + i * s.size);
        ready_head(step, space, layer, layer.k_norm, r, k + g * s.size);
        const float *key = k + g * s.size, *value = v + g * s.size;
        if (s.pages_format == F32) write_pages<float>(step, number, r, g, key, value);
        else write_pages<uint16_t>(step, number, r, g, key, value);
    }
}

// Norms and angles of queries and keys, and the new keys and values into their pages. Of many rows
// a thread takes some in a run, so that a page's lines stay with it.
inline void ready_heads(const Step& step, Space& space, const Layer& layer, int number, Team& team) {
    const Stack& s = *step.stack;
    int shares = s.whole ? 1 : s.groups, each = s.groups / shares;
    int run = step.rows > 64 ? PAGE : 1, tasks = (step.rows + run - 1) / run * shares;
    for (int task; (task = take(team)) < tasks;)
        for (int r = task / shares * run; r < step.rows && r < (task / shares + 1) * run; r++)
            ready_row(step, space, layer, number, r, task % shares * each, each);
    meet(team);
}

inline Sight sight_of(const Step& step, const Layer& layer) {
    const Stack& s = *step.stack;
    size_t page = (size_t)s.groups * PAGE * s.size;
    return {s.heads, s.groups, s.size, layer.window, s.score_scale, s.cap, page};
}

template <class T>
void look_plainly(const Step& step, Space& space, const Sight& sight, const Look& look, int g,
                  const T* keys, const T* values) {
    static thread_local vf gathered[4096];
    int heads = sight.heads / sight.groups;
    for (int i = 0; i < look.count; i++)
        for (int j = g * heads; j < (g + 1) * heads; j++) {
            const float* q = space.qkv + (size_t)(look.row + i) * space.qkv_wide + j * sight.size;
            float* out = space.looked + (size_t)(look.row + i) * space.looked_wide + j * sight.size;
            look_back(q, look, look.first + i, keys, values, sight, gathered, out);
        }
}

#if defined(__AMX_TILE__)
inline void look_by_tiles(const Step& step, Space& space, const Sight& sight, const Look& look,
                          int g, const uint16_t* keys, const uint16_t* values) {
    static thread_local Columns columns;
    int heads = sight.heads / sight.groups;
    for (int from = 0; from < heads; from += 16) {
        int some = heads - from > 16 ? 16 : heads - from, n = 0;
        const float* q[16];
        float* out[16];
        vi positions = alli(look.first);
        for (int i = 0; i < look.count; i++)
            for (int j = g * heads + from; j < g * heads + from + some; j++, n++) {
                q[n] = space.qkv + (size_t)(look.row + i) * space.qkv_wide + j * sight.size;
                out[n] = space.looked + (size_t)(look.row + i) * space.looked_wide + j * sight.size;
                positions[n] = look.first + i;
            }
        look_back_tiles(q, positions, n, look, keys, values, sight, columns, out);
    }
}
#endif

inline void look_all(const Step& step, Space& space, const Layer& layer, int number, Team& team) {
    const Stack& s = *step.stack;
    const Batch& b = *step.batch;
    Sight sight = sight_of(step, layer);
    for (int task; (task = take(team)) < step.looks * s.groups;) {
        int g = task / step.looks;  // one group after the other: its pages stay in the cache
        const Look& look = step.look[step.looks - 1 - task % step.looks];  // long ones first
        size_t base = (size_t)number * b.pages * sight.page_stride + (size_t)g * PAGE * s.size;
        if (s.pages_format == F32) {
            look_plainly(step, space, sight, look, g, (const float*)b.keys + base, (const float*)b.values + base);
            continue;
        }
        const uint16_t *keys = (const uint16_t*)b.keys + base, *values = (const uint16_t*)b.values + base;
#if defined(__AMX_TILE__)
        if (fits_tiles(s.size)) {
            look_by_tiles(step, space, sight, look, g, keys, values);
            continue;
        }
#endif
        look_plainly(step, space, sight, look, g, keys, values);
    }
    meet(team);
    int each = step.rows > 64 ? 8 : 1, tasks = (step.rows + each - 1) / each;
    for (int task; (task = take(team)) < tasks;)
        for (int r = task * each; r < step.rows && r < (task + 1) * each; r++)
            put_row(space.seen, r, space.looked + (size_t)r * space.looked_wide);
    meet(team);
}

inline void run_step(void* what, Team& team, int me) {
    const Step& step = *(const Step*)what;
    const Stack& s = *step.stack;
    Space space = space_of(s, step.rows, step.memory);
    const Norm none{};
    Norm behind = none;
    for (int r; (r = take(team)) < step.rows;) begin_row(step, space, r);
    meet(team);
    for (int n = 0; n < s.depth; n++) {
        const Layer& layer = s.layers[n];
        settle(step, space, behind, layer.mix_norm, nullptr, nullptr, team);
        multiply_into(layer.qkv, space.in, step.rows, space.qkv, space.qkv_wide, false, team);
        meet(team);
        ready_heads(step, space, layer, n, team);
        look_all(step, space, layer, n, team);
        bool add = !layer.mix_behind.gain;
        multiply_into(layer.out, space.seen, step.rows, add ? space.h : space.branch, space.wide, add, team);
        meet(team);
        settle(step, space, layer.mix_behind, layer.feed_norm, &layer, nullptr, team);
        behind = layer.feed_behind;
        add = !behind.gain;
        float* to = add ? space.h : space.branch;
        if (layer.experts) {
            feed_experts(s, layer, space, step.rows, to, add, team, me);
        } else {
            const Matrix& down = layer.down;
            Rows hidden = rows_at(space.hidden.data, down.format, down.inputs, step.rows);
            multiply_activated(layer.up, space.in, step.rows, s.activation, hidden, team);
            meet(team);
            multiply_into(down, hidden, step.rows, to, space.wide, add, team);
        }
        meet(team);
    }
    settle(step, space, behind, s.norm, nullptr, step.out, team);
    shape_tiles(0, 0);
}

}  // namespace
