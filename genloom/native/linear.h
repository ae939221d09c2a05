// A product as tasks that threads take: which rows and panels make a task, by which kernel, and
// what becomes of its numbers (kept, added to the stream, or activated for the next product).
#pragma once
#include "dot_amx.h"
#include "threads.h"

namespace {

const int ROW_BLOCK = 32, MOST_PANELS = 16;
const int FEW_INT8 = 4;  // up to so many rows the vector units are faster than the matrix units

inline void product(const Matrix& m, const Rows& x, int row, int rows, int panel, int panels,
                    float* out, int ld) {
#if defined(__AMX_TILE__)
    if (m.format == BF16 || (m.format == INT8 && rows > FEW_INT8))
        return amx_panels(m, x, row, rows, panel, panels, out, ld);
#endif
    dot_panels(m, x, row, rows, panel, panels, out, ld);
}

// How a product falls into tasks: panels first, so that weights are read once, then rows.
struct Tasks {
    int rows, panels, each_rows, each_panels, across, count;

    Tasks(int rows, int panels, int threads, bool whole) : rows(rows), panels(panels) {
        int share = up_to((panels + threads * 4 - 1) / (threads * 4), 2);
        each_panels = whole || share > MOST_PANELS ? MOST_PANELS : share;
        each_rows = rows > 128 ? 128 : rows;
        across = (rows + each_rows - 1) / each_rows;
        count = (panels + each_panels - 1) / each_panels * across;
    }
};

// Calls done(row, rows, panel, panels, numbers, their row length) for every block of a product.
template <class Done>
void multiply(const Matrix& m, const Rows& x, int rows, bool whole, Team& team, Done done) {
    alignas(64) float block[ROW_BLOCK * (MOST_PANELS * WIDE + 16)];
    const int ld = MOST_PANELS * WIDE + 16;
    Tasks tasks(rows, panels_of(m), team.count, whole);
    for (int task; (task = take(team)) < tasks.count;) {
        int panel = task / tasks.across * tasks.each_panels;
        int panels = tasks.panels - panel;
        panels = panels > tasks.each_panels ? tasks.each_panels : panels;
        int first = task % tasks.across * tasks.each_rows, last = first + tasks.each_rows;
        last = last > rows ? rows : last;
        for (int row = first; row < last; row += ROW_BLOCK) {
            int n = last - row > ROW_BLOCK ? ROW_BLOCK : last - row;
            product(m, x, row, n, panel, panels, block, ld);
            if (m.bias)
                for (int r = 0; r < n; r++)
                    for (int i = 0; i < panels * 16; i += 16)
                        store(block + r * ld + i, load(block + r * ld + i) + load(m.bias + panel * 16 + i));
            done(row, n, panel, panels, block, ld);
        }
    }
}

inline void multiply_into(const Matrix& m, const Rows& x, int rows, float* out, size_t ld_out,
                          bool add, Team& team) {
    multiply(m, x, rows, false, team, [&](int row, int n, int panel, int panels, float* block, int ld) {
        int width = panels * 16, from = panel * 16;
        for (int r = 0; r < n; r++) {
            float* to = out + (row + r) * ld_out + from;
            const float* made = block + r * ld;
            for (int i = 0; i < width; i += 16)
                store(to + i, add ? load(to + i) + load(made + i) : load(made + i));
        }
    });
}

// The activation of a feed-forward's first product, put as rows for its second.
inline void multiply_activated(const Matrix& m, const Rows& x, int rows, int kind, Rows& to,
                               Team& team) {
    multiply(m, x, rows, true, team, [&](int row, int n, int panel, int panels, float* block, int ld) {
        int width = m.gated ? panels * 8 : panels * 16, from = m.gated ? panel * 8 : panel * 16;
        for (int r = 0; r < n; r++) {
            float* made = block + r * ld;
            if (m.gated)
                for (int i = 0; i < width; i += 16)
                    store(made + i, activated(kind, load(made + 2 * i)) * load(made + 2 * i + 16));
            else
                for (int i = 0; i < width; i += 16) store(made + i, activated(kind, load(made + i)));
            int there = to.inputs - from < width ? to.inputs - from : width;
            put_columns(to, row + r, from, made, there);
            if (from + width >= to.inputs) pad_row(to, row + r);
        }
    });
}

}  // namespace
