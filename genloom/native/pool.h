// The threads that wait for calls. They spin a moment after each, because a decoder's next step
// comes within microseconds of the last, then sleep. Made when first needed, never destroyed; a
// forked child makes its own. One call at a time.
#pragma once
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "threads.h"

class Pool {
  public:
    static Pool& the() {
        static Pool* one = new Pool;
        if (one->owner != getpid()) one = new Pool;  // after a fork threads and locks are gone
        return *one;
    }

    void run(Work work, void* what, int threads) {
        threads = threads < 1 ? 1 : threads > MOST ? MOST : threads;
        if (threads == 1) {
            Team alone{1, 0, 0, 0};
            return work(what, alone, 0);
        }
        while (started < threads - 1) {
            int me = ++started;
            std::thread([this, me] { serve(me); }).detach();
        }
        team.count = threads;
        team.arrived = team.next = 0;
        todo = work;
        data = what;
        left = threads - 1;
        __atomic_store_n(&number, number + 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST)) {
            std::lock_guard<std::mutex> hold(lock);
            wake.notify_all();
        }
        work(what, team, 0);
        for (int spins = 0; __atomic_load_n(&left, __ATOMIC_ACQUIRE); spins++) {
            breathe();
            if (spins > 2000) sched_yield();
        }
    }

    std::mutex calls;

  private:
    static const int MOST = 256;
    Team team{};
    Work todo = nullptr;
    void* data = nullptr;
    int started = 0, left = 0, number = 0, asleep = 0;
    pid_t owner = getpid();
    std::mutex lock;
    std::condition_variable wake;

    void serve(int me) {
        int seen = __atomic_load_n(&number, __ATOMIC_ACQUIRE) - (me < team.count ? 1 : 0);
        for (;;) {
            wait(seen);
            seen = __atomic_load_n(&number, __ATOMIC_ACQUIRE);
            if (me >= team.count) continue;
            todo(data, team, me);
            __atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL);
        }
    }

    void wait(int seen) {
        for (int spins = 0; spins < 4000; spins++) {
            if (__atomic_load_n(&number, __ATOMIC_ACQUIRE) != seen) return;
            breathe();
        }
        std::unique_lock<std::mutex> hold(lock);
        __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
        wake.wait(hold, [&] { return __atomic_load_n(&number, __ATOMIC_SEQ_CST) != seen; });
        __atomic_sub_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    }
};
