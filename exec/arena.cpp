// SPDX-License-Identifier: Apache-2.0
#include "exec/arena.hpp"

#include "base/check.hpp"
#include "exec/in_flight.hpp"

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

// Debian's oneTBB is not instrumented, so ThreadSanitizer cannot see that it hands a loop over to
// its workers and back. These two words per loop say it: `go` before the bodies, `done` after them.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
// What is left are reports from inside oneTBB's own templates, inlined here, after a body has ended
// (inlined frames carry no namespace at -g1). A race of two bodies has none of these on its stacks.
const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions()
{
    return "called_from_lib:libtbb.so\n" // its own memcmp while it starts workers; not our bodies
           "race:fold_tree<\n"
           "race:^node$\n"
           "race:^wait_context$\n"
           "race:^mark_task_stolen$\n"
           "race:^check_being_stolen\n"
           "race:^task_group_context$\n"
           "race:tbb::detail::d1::node::node\n"
           "race:tbb::detail::d1::tree_node::mark_task_stolen\n"
           "race:tbb::detail::d1::wait_context::\n"
           "race:tbb::detail::d1::task_group_context::\n";
}
}
namespace {
void handed_over(void* address)
{
    __tsan_release(address);
}
void taken_over(void* address)
{
    __tsan_acquire(address);
}
} // namespace
#define BELFRY_TSAN 1
#endif
#endif
#ifndef BELFRY_TSAN
namespace {
void handed_over(void*) {}
void taken_over(void*) {}
} // namespace
#endif

namespace belfry::exec {

namespace tbb = oneapi::tbb;

struct Arena::State {
    explicit State(int threads)
        : arena(threads)
    {
        arena.initialize();
    }
    tbb::task_arena arena;
};

Arena::Arena(std::size_t threads)
    : threads_(threads)
{
    BELFRY_CHECK(threads >= 1);
    if (threads > 1) {
        state_ = std::make_unique<State>(static_cast<int>(threads));
    }
}

Arena::~Arena() = default;

void Arena::run(std::size_t count, std::size_t grain, void* context, Call call)
{
    char go = 0;
    char done = 0;
    const ledger::BlockRef* const block = in_flight.block;
    const auto body = [&](const tbb::blocked_range<std::size_t>& range) {
        taken_over(&go);
        const BlockInFlight mark(block);
        const int worker = tbb::this_task_arena::current_thread_index();
        BELFRY_CHECK(worker >= 0 && static_cast<std::size_t>(worker) < threads_);
        call(context, Chunk{range.begin(), range.end(), static_cast<std::size_t>(worker)});
        handed_over(&done);
    };
    handed_over(&go);
    state_->arena.execute([&] {
        tbb::parallel_for(tbb::blocked_range<std::size_t>(0, count, grain), body,
                          tbb::simple_partitioner());
    });
    taken_over(&done);
}

struct ParallelismLimit::State {
    explicit State(std::size_t threads)
        : control(tbb::global_control::max_allowed_parallelism, threads)
    {
    }
    tbb::global_control control;
};

ParallelismLimit::ParallelismLimit(std::size_t threads)
    : state_(std::make_unique<State>(threads))
{
}

ParallelismLimit::~ParallelismLimit() = default;

} // namespace belfry::exec
