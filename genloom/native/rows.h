// Rows of activations as products read them: floats, bf16, or whole numbers with a scale and their
// sum for each group along the row. A row is quantised by itself: mates do not touch it.
#pragma once
#include "vectors.h"

namespace {

struct Rows {
    int format, inputs, stride, groups;  // stride: of padded inputs
    uint8_t* data;
    float* scale;
    int32_t* total;  // of a group's whole numbers: what offsets of the weights add up to

    size_t bytes() const { return (size_t)stride * (format == F32 ? 4 : format == BF16 ? 2 : 1); }
    const uint8_t* row(int r) const { return data + r * bytes(); }
    uint8_t* row(int r) { return data + r * bytes(); }
};

inline size_t rows_bytes(int format, int inputs, int rows) {
    size_t k = padded(format, inputs), group = group_of(format);
    size_t each = format == F32 ? k * 4 : format == BF16 ? k * 2 : k + k / group * 8;
    return each * rows + 256;
}

inline Rows rows_at(uint8_t* memory, int format, int inputs, int rows) {
    Rows out{format, inputs, padded(format, inputs), 0, memory, nullptr, nullptr};
    if (group_of(format)) {
        out.groups = out.stride / group_of(format);
        out.scale = (float*)(memory + up_to(out.bytes() * rows, 64));
        out.total = (int32_t*)(out.scale + (size_t)out.groups * rows);
    }
    return out;
}

// One group to whole numbers of at most 127, rounded to the nearest; x has `group` floats.
inline void quantise_group(const float* x, int group, int8_t* q, float* scale, int32_t* total) {
    vf top{};
    for (int i = 0; i < group; i += 16) top = most(magnitude(load(x + i)), top);
    float largest_one = largest(top);
    *scale = largest_one / 127.0f;
    float by = largest_one > 0.0f ? 127.0f / largest_one : 0.0f;
    vi added{};
    for (int i = 0; i < group; i += 16) {
        vf shifted = load(x + i) * by + 12582912.0f;
        vi whole = (vi)shifted - 0x4b400000;
        added += whole;
        typedef int8_t vb __attribute__((vector_size(16)));
        vb small = __builtin_convertvector(whole, vb);
        memcpy(q + i, &small, 16);
    }
    int32_t lane[16], out = 0;
    memcpy(lane, &added, 64);
    for (int i = 0; i < 16; i++) out += lane[i];
    *total = out;
}

// Columns [from, from + n) of a row; `from` begins a group, and n ends one or the row.
inline void put_columns(Rows& to, int r, int from, const float* x, int n) {
    if (to.format == F32) {
        memcpy((float*)to.row(r) + from, x, n * sizeof(float));
    } else if (to.format == BF16) {
        uint16_t* out = (uint16_t*)to.row(r) + from;
        for (int i = 0; i < n; i += 16) put(out + i, load_some(x + i, n - i), n - i);
    } else {
        int group = group_of(to.format);
        for (int i = 0; i < n; i += group) {
            alignas(64) float tail[128];
            const float* from_here = x + i;
            if (n - i < group) {
                memset(tail, 0, sizeof tail);
                memcpy(tail, x + i, (n - i) * sizeof(float));
                from_here = tail;
            }
            int g = (from + i) / group;
            quantise_group(from_here, group, (int8_t*)to.row(r) + from + i,
                           to.scale + (size_t)r * to.groups + g,
                           to.total + (size_t)r * to.groups + g);
        }
    }
}

// The zeros between a row's end and whole groups.
inline void pad_row(Rows& to, int r) {
    int group = group_of(to.format);
    int filled = group ? up_to(to.inputs, group) : to.inputs;
    size_t each = to.format == F32 ? 4 : to.format == BF16 ? 2 : 1;
    memset(to.row(r) + filled * each, 0, (to.stride - filled) * each);
    for (int g = group ? filled / group : 0; g < to.groups; g++) {
        to.scale[(size_t)r * to.groups + g] = 0.0f;
        to.total[(size_t)r * to.groups + g] = 0;
    }
}

inline void put_row(Rows& to, int r, const float* x) {
    put_columns(to, r, 0, x, to.inputs);
    pad_row(to, r);
}

}  // namespace
