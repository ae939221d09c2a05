// What Python hands over, and how packed weights lie in memory. Plain C layout: ctypes mirrors it
// (net/quantize_native.py). Knows sizes, no arithmetic.
//
// A matrix of `outputs` x `inputs` is cut into panels of 16 outputs; a panel runs along the inputs:
//   f32   each input:       16 floats
//   bf16  each input pair:  16 x 2 values, as dot products of pairs and matrix units read them
//   int8  each 128 inputs:  32 quads of 16 x 4 bytes, then 16 float scales          (2112 bytes)
//   int4  each 64 inputs:   8 x 64 bytes, low nibble the even quad, high nibble the odd one,
//                           values offset by 8; then 2 x 16 bf16 scales of 32 inputs (576 bytes)
// Inputs are padded with zeros to whole groups, outputs to whole panels. A gated matrix has panels
// of gate and value in turn, so that a pair of panels meets in registers.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum Format { F32 = 0, BF16 = 1, INT8 = 2, INT4 = 3 };
enum Activation { RELU2 = 0, GELU = 1, SWIGLU = 2, GEGLU = 3, GELU_ERF = 4 };
enum Isa { PLAIN = 0, AVX2 = 1, AVX512 = 2, AVX512_BF16 = 3, AMX = 4 };

static const int WIDE = 16;  // outputs a panel
static const int PAGE = 32;  // positions a page

struct Matrix {
    int32_t format, outputs, inputs, gated;
    const uint8_t* data;
    const float* bias;  // padded like the outputs, or null
};

struct Norm {
    const float* gain;  // null: no norm here
    const float* bias;  // null: none
    int32_t layer;      // mean removed
    float eps;
};

struct Layer {
    Matrix qkv, out, up, down;
    Norm mix_norm, mix_behind, feed_norm, feed_behind, q_norm, k_norm;
    int32_t turn, window, experts;  // turn: which of the stack's two tables of angles; -1: none
    const float* router;            // [experts, width padded]
    const Matrix *expert_up, *expert_down;
};

struct Stack {
    int32_t depth, width, heads, groups, size, activation, whole, vocab;
    int32_t pages_format, learned, asked, normalised, hidden, pairs;
    float score_scale, cap, embed_scale;
    float turn_gain[2];         // of cosines and sines
    const float* frequency[2];  // radians a position [pairs]; null: no layer needs it
    Matrix embed;
    const float* place;  // [learned, width padded]
    Norm norm;
    const Layer* layers;
};

// A ragged batch: sequences laid end to end, new tokens of each, where their pages are.
struct Batch {
    const int64_t* ids;
    const int32_t *table, *start, *count;
    int32_t tokens, sequences, table_width, pages;
    void *keys, *values;  // [layers, pages, groups, PAGE, size] and [..., size, PAGE]
};

static inline int up_to(int n, int grain) { return (n + grain - 1) / grain * grain; }
static inline int group_of(int format) { return format == INT8 ? 128 : format == INT4 ? 32 : 0; }
static inline int grain_of(int format) { return format == INT8 ? 128 : format == INT4 ? 64 : 32; }
static inline int padded(int format, int inputs) { return up_to(inputs, grain_of(format)); }
static inline size_t panel_bytes(int format, int inputs) {
    size_t k = padded(format, inputs);
    return format == F32 ? k * 64 : format == BF16 ? k * 32 : format == INT8 ? k / 128 * 2112
                                                                             : k / 64 * 576;
}
static inline int panels_of(const Matrix& m) { return (m.outputs + WIDE - 1) / WIDE; }
