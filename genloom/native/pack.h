// Rows of numbers (quantised elsewhere) -> panels as formats.h lays them out.
#pragma once
#include <string.h>

#include "formats.h"

// values: float, bf16, or int8 (int4: -8 .. 7) [rows, inputs]; scales: float (int8) or bf16 (int4)
// [rows, groups]. Missing outputs and inputs become zeros.
static inline void pack_panel(int format, const uint8_t* values, const uint8_t* scales, int rows,
                              int inputs, uint8_t* to) {
    int k_padded = padded(format, inputs), size = format == F32 ? 4 : format == BF16 ? 2 : 1;
    int group = group_of(format), groups = group ? (inputs + group - 1) / group : 0;
    memset(to, format == INT4 ? 0x88 : 0, panel_bytes(format, inputs));
    for (int block = 0; format == INT4 && block < k_padded / 64; block++)
        memset(to + (size_t)block * 576 + 512, 0, 64);
    for (int o = 0; o < rows; o++) {
        const uint8_t* row = values + (size_t)o * inputs * size;
        for (int k = 0; k < inputs; k++) {
            if (format == F32) {
                memcpy(to + ((size_t)k * 16 + o) * 4, row + (size_t)k * 4, 4);
            } else if (format == BF16) {
                memcpy(to + (size_t)(k / 2) * 64 + o * 4 + k % 2 * 2, row + (size_t)k * 2, 2);
            } else if (format == INT8) {
                to[(size_t)(k / 128) * 2112 + k % 128 / 4 * 64 + o * 4 + k % 4] = row[k];
            } else {
                uint8_t& both = to[(size_t)(k / 64) * 576 + k % 64 / 8 * 64 + o * 4 + k % 4];
                uint8_t nibble = (uint8_t)((int8_t)row[k] + 8);
                both = k % 8 < 4 ? (both & 0xf0) | nibble : (both & 0x0f) | (uint8_t)(nibble << 4);
            }
        }
        for (int g = 0; g < groups; g++) {
            size_t at = (size_t)o * groups + g;
            if (format == INT8) memcpy(to + (size_t)g * 2112 + 2048 + o * 4, scales + at * 4, 4);
            else memcpy(to + (size_t)(g / 2) * 576 + 512 + g % 2 * 32 + o * 2, scales + at * 2, 2);
        }
    }
}
