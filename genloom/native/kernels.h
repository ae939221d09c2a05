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

struct Kernels {
    size_t (*step_bytes)(const Stack&, int rows);
    size_t (*product_bytes)(const Matrix&, int rows);
    Work step, product, fetch, read;
};
