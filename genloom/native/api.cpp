// What Python calls: checks what it is given, cuts batches into chunks, picks the kernels of the
// best instruction set. Compiled for the plainest processor. Returns 0, or the number of a fault.
#include <stdlib.h>
#include <sys/mman.h>

#include <vector>

#include "cpu.h"
#include "kernels.h"
#include "pack.h"
#include "pool.h"

extern const Kernels gl_plain, gl_avx2, gl_avx512, gl_avx512_bf16, gl_amx;

namespace {

enum Fault { FINE = 0, BAD_ID = 1, BAD_PAGE = 2, BAD_COUNT = 3, TOO_LONG = 4, NO_MEMORY = 5 };

const int CHUNK = 512;  // rows of activations that stay in the caches

const Kernels* const TABLES[] = {
    &gl_plain,
#if defined(GL_AVX2)
    &gl_avx2,
#else
    nullptr,
#endif
#if defined(GL_AVX512)
    &gl_avx512,
#else
    nullptr,
#endif
#if defined(GL_AVX512_BF16)
    &gl_avx512_bf16,
#else
    nullptr,
#endif
#if defined(GL_AMX)
    &gl_amx,
#else
    nullptr,
#endif
};

int best() {
    static const int found = best_isa();
    return found;
}

int chosen = -1;

const Kernels& kernels() {
    if (chosen < 0)
        for (chosen = best(); !TABLES[chosen];) chosen--;
    return *TABLES[chosen];
}

uint8_t* scratch(size_t bytes) {
    static uint8_t* memory = nullptr;
    static size_t there = 0;
    if (bytes > there) {
        free(memory);
        void* made = nullptr;
        if (posix_memalign(&made, 1 << 21, bytes)) made = nullptr;
#if defined(MADV_HUGEPAGE)
        if (made) madvise(made, bytes, MADV_HUGEPAGE);
#endif
        memory = (uint8_t*)made;
        there = memory ? bytes : 0;
    }
    return memory;
}

int fault_of(const Stack& s, const Batch& b) {
    int64_t total = 0;
    for (int i = 0; i < b.sequences; i++) {
        int64_t start = b.start[i], count = b.count[i], end = start + count;
        if (start < 0 || count < 0) return BAD_COUNT;
        if (count && s.learned && end > s.learned) return TOO_LONG;
        if (count && end > (int64_t)b.table_width * PAGE) return BAD_PAGE;
        for (int64_t p = 0; count && p * PAGE < end; p++) {
            int page = b.table[(int64_t)i * b.table_width + p];
            if (page < 0 || page >= b.pages) return BAD_PAGE;
        }
        total += count;
    }
    if (total != b.tokens) return BAD_COUNT;
    for (int i = 0; i < b.tokens; i++)
        if (b.ids[i] < 0 || b.ids[i] >= s.vocab) return BAD_ID;
    return FINE;
}

// The next rows of a batch: at most CHUNK, sequence after sequence.
struct Cutter {
    const Stack& s;
    const Batch& b;
    int sequence = 0, done = 0;  // of this sequence
    std::vector<Place> places;
    std::vector<Look> looks;

    int next() {
        places.clear();
        looks.clear();
        int heads = s.heads / s.groups, each = heads < 16 ? 16 / heads : 1;
        for (; sequence < b.sequences; sequence++, done = 0) {
            int some = b.count[sequence] - done, room = CHUNK - (int)places.size();
            some = some < room ? some : room;
            int first = b.start[sequence] + done, row = (int)places.size();
            for (int i = 0; i < some; i += each) {
                int n = some - i < each ? some - i : each;
                looks.push_back({row + i, first + i, n, b.table + (int64_t)sequence * b.table_width});
            }
            for (int i = 0; i < some; i++) places.push_back({sequence, first + i, 0});
            if (some) {
                Place& last = places.back();
                last.fresh = last.position / PAGE * PAGE >= first;
            }
            done += some;
            if (done < b.count[sequence]) break;
        }
        return (int)places.size();
    }
};

}  // namespace

#define EXPORT __attribute__((visibility("default")))

extern "C" {

EXPORT const char* gl_version() { return GL_VERSION; }

EXPORT int gl_isa() {
    kernels();
    return chosen;
}

// Takes the wanted instruction set, or the best below it that is there; says which.
EXPORT int gl_set_isa(int wanted) {
    std::lock_guard<std::mutex> hold(Pool::the().calls);
    chosen = wanted < 0 || wanted > best() ? best() : wanted;
    while (!TABLES[chosen]) chosen--;
    return chosen;
}

EXPORT size_t gl_packed_bytes(int format, int outputs, int inputs) {
    return (size_t)((outputs + WIDE - 1) / WIDE) * panel_bytes(format, inputs);
}

EXPORT void gl_pack(int format, const uint8_t* values, const uint8_t* scales, int rows, int inputs, uint8_t* to) {
    int size = format == F32 ? 4 : format == BF16 ? 2 : 1, group = group_of(format);
    size_t row_bytes = (size_t)inputs * size;
    size_t scale_bytes = group ? (size_t)(inputs + group - 1) / group * (format == INT8 ? 4 : 2) : 0;
    for (int o = 0; o < rows; o += WIDE) {
        pack_panel(format, values + o * row_bytes, scales + o * scale_bytes, rows - o < WIDE ? rows - o : WIDE, inputs, to);
        to += panel_bytes(format, inputs);
    }
}

EXPORT int gl_stack(const Stack* stack, const Batch* batch, float* out, int threads) {
    int fault = fault_of(*stack, *batch);
    if (fault) return fault;
    Pool& pool = Pool::the();
    std::lock_guard<std::mutex> hold(pool.calls);
    const Kernels& table = kernels();
    static Cutter* kept = nullptr;
    Cutter cutter{*stack, *batch};
    if (kept) {  // their memory is used again
        cutter.places.swap(kept->places);
        cutter.looks.swap(kept->looks);
    }
    int most = batch->tokens < CHUNK ? batch->tokens : CHUNK, row = 0;
    uint8_t* memory = scratch(table.step_bytes(*stack, most));
    if (!memory) return NO_MEMORY;
    for (int rows; (rows = cutter.next()) > 0; row += rows) {
        Step step{stack, batch, batch->ids + row, rows, (int)cutter.looks.size(), cutter.places.data(),
                  cutter.looks.data(), memory, out + (size_t)row * stack->width};
        pool.run(table.step, &step, threads);
    }
    if (!kept) kept = new Cutter{*stack, *batch};
    cutter.places.swap(kept->places);
    cutter.looks.swap(kept->looks);
    return FINE;
}

EXPORT int gl_product(const Matrix* matrix, const float* x, int rows, float* out, int threads) {
    Pool& pool = Pool::the();
    std::lock_guard<std::mutex> hold(pool.calls);
    const Kernels& table = kernels();
    int most = rows < CHUNK ? rows : CHUNK;
    uint8_t* memory = scratch(table.product_bytes(*matrix, most));
    if (!memory) return NO_MEMORY;
    for (int r = 0; r < rows; r += CHUNK) {
        size_t wide = (size_t)panels_of(*matrix) * WIDE;
        Product product{matrix, x + (size_t)r * matrix->inputs, out + r * wide, rows - r < CHUNK ? rows - r : CHUNK, memory};
        pool.run(table.product, &product, threads);
    }
    return FINE;
}

EXPORT int gl_fetch(const Matrix* matrix, const int64_t* which, int rows, float* out, int threads) {
    for (int i = 0; i < rows; i++)
        if (which[i] < 0 || which[i] >= matrix->outputs) return BAD_ID;
    Pool& pool = Pool::the();
    std::lock_guard<std::mutex> hold(pool.calls);
    Fetch fetch{matrix, which, out, rows};
    pool.run(kernels().fetch, &fetch, threads);
    return FINE;
}

// On the caller's thread alone: several may call at once.
EXPORT int gl_group_norm(const GroupNorm* norm) {
    int c = norm->channels, g = norm->groups;
    if (c < 16 || c % 16 || c > MOST_CHANNELS || g < 1 || c % g) return BAD_COUNT;
    kernels().group_norm(*norm);
    return FINE;
}

EXPORT int gl_read(const uint8_t* from, size_t bytes, int threads) {
    Pool& pool = Pool::the();
    std::lock_guard<std::mutex> hold(pool.calls);
    Reading reading{from, bytes >> 18 << 18, 0};
    pool.run(kernels().read, &reading, threads);
    return reading.sum;
}

}  // extern "C"
