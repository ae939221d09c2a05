// One chunk of a batch on its way through the stack: which rows, and the memory it works in. The
// memory is laid out anew for each chunk in one block that only grows.
#pragma once
#include "attention.h"
#include "rows.h"
#include "threads.h"

struct Place {  // of a row
    int32_t sequence, position;
    int32_t fresh;  // the page's rest is to be cleared: this row is the last in a page begun here
};

// Rows of one look: as many positions as fill 16 columns with the heads of a group.
struct Step {
    const Stack* stack;
    const Batch* batch;
    const int64_t* ids;
    int rows, looks;
    const Place* places;
    const Look* look;
    uint8_t* memory;
    float* out;  // [rows, width]
};

namespace {

struct Space {
    int wide, qkv_wide, looked_wide, pairs;  // numbers a row, padded to 16
    float *h, *branch, *qkv, *looked, *angles;
    Rows in, seen, hidden;
    // experts: who asks whom, and rows in the order of experts
    float *chance, *answers;
    int32_t *asked, *slot, *owner, *begin;
    Rows sorted;
    size_t bytes;

    float* cosine(int table, int row, int rows) const {
        return angles + ((size_t)table * rows + row) * 2 * pairs;
    }
};

inline Space space_of(const Stack& s, int rows, uint8_t* memory) {
    Space out{};
    size_t used = 0;
    auto room = [&](size_t bytes) {
        uint8_t* at = memory ? memory + used : nullptr;
        used += (bytes + 127) / 128 * 128 + 64;
        used = (used + 63) / 64 * 64;
        return at;
    };
    auto floats = [&](size_t count) { return (float*)room(count * sizeof(float)); };
    const Layer& first = s.layers[0];
    bool experts = s.asked > 0;
    int slots = rows * (experts ? s.asked : 1), looked = s.heads * s.size;
    out.wide = up_to(s.width, 16);
    out.qkv_wide = up_to(looked + 2 * s.groups * s.size, 16);
    out.looked_wide = up_to(looked, 16);
    out.pairs = up_to(s.pairs, 16);
    out.h = floats((size_t)rows * out.wide);
    out.branch = floats((size_t)rows * out.wide);
    out.qkv = floats((size_t)rows * out.qkv_wide + 32);
    out.looked = floats((size_t)rows * out.looked_wide);
    out.angles = floats((size_t)rows * 4 * out.pairs);
    int format = first.qkv.format;
    auto lines = [&](int inputs, int count) {
        return rows_at(room(rows_bytes(format, inputs, count)), format, inputs, count);
    };
    out.in = lines(s.width, rows);
    out.seen = lines(looked, rows);
    out.hidden = lines(s.hidden, slots);
    if (experts) {
        out.sorted = lines(s.width, slots);
        out.chance = floats(slots);
        out.answers = floats((size_t)slots * out.wide);
        out.asked = (int32_t*)floats(slots);
        out.slot = (int32_t*)floats(slots);
        out.owner = (int32_t*)floats(slots);
        out.begin = (int32_t*)floats(4097);
    }
    out.bytes = used + 4096;
    return out;
}

}  // namespace
