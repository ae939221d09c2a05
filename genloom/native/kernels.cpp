// Compiled once per instruction set, with GL_TABLE naming its table.
#include "kernels.h"

#include "group_norm.h"
#include "stack.h"

namespace {

size_t step_bytes(const Stack& stack, int rows) { return space_of(stack, rows, nullptr).bytes; }

size_t product_bytes(const Matrix& m, int rows) { return rows_bytes(m.format, m.inputs, rows); }

void run_product(void* what, Team& team, int) {
    const Product& p = *(const Product*)what;
    Rows x = rows_at(p.memory, p.matrix->format, p.matrix->inputs, p.rows);
    for (int r; (r = take(team)) < p.rows;) put_row(x, r, p.x + (size_t)r * p.matrix->inputs);
    meet(team);
    multiply_into(*p.matrix, x, p.rows, p.out, panels_of(*p.matrix) * WIDE, false, team);
    shape_tiles(0, 0);
}

void run_fetch(void* what, Team& team, int) {
    const Fetch& f = *(const Fetch*)what;
    for (int r; (r = take(team)) < f.rows;)
        unpack_row(*f.matrix, (int)f.which[r], f.out + (size_t)r * f.matrix->inputs);
}

void run_read(void* what, Team& team, int me) {
    Reading& reading = *(Reading*)what;
    const size_t block = 1 << 18;
    vi sums[4] = {};
    for (size_t at; (at = take(team) * block) < reading.bytes;)
        for (size_t i = 0; i < block; i += 256)
            for (int j = 0; j < 4; j++) {
                soon(reading.from + at + i + j * 64 + 2048);
                sums[j] ^= load_bytes(reading.from + at + i + j * 64);
            }
    vi folded = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
    __atomic_fetch_add(&reading.sum, folded[me & 15], __ATOMIC_RELAXED);
}

}  // namespace

extern const Kernels GL_TABLE;
const Kernels GL_TABLE = {step_bytes, product_bytes, run_step, run_product,
                          run_fetch, run_read, group_norm};
