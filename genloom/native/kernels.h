// The functions that exist once per instruction set, as a table for api.cpp to choose from.
#pragma once
#include "space.h"

struct Product {  // out [rows, outputs padded] of x [rows, inputs]
    const Matrix* matrix;
    const float* x;
    float* out;
    int rows;
    uint8_t* memory;
};

struct Fetch {  // rows of a matrix, unpacked
    const Matrix* matrix;
    const int64_t* which;
    float* out;
    int rows;
};

struct Reading {  // a plain read of memory, to know the limit
    const uint8_t* from;
    size_t bytes;
    int32_t sum;
};

static const int MOST_CHANNELS = 2048;

struct GroupNorm {  // out of x, both [items, places, channels] in fp32 or bf16
    const void* x;
    void* out;
    const float *gain, *bias;  // [channels]
    const float* told;         // [items, shift and scale of each channel] in rows of told_width, or null
    int64_t told_width;
    int32_t items, places, channels, groups, half, active;
    float eps;
};

struct Kernels {
    size_t (*step_bytes)(const Stack&, int rows);
    size_t (*product_bytes)(const Matrix&, int rows);
    Work step, product, fetch, read;
    void (*group_norm)(const GroupNorm&);
};
