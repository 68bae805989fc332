// SPDX-License-Identifier: Apache-2.0
#pragma once
// arena.hpp: the one place that knows oneTBB: an arena of worker threads and a parallel loop on it.
// Rule     bodies of one loop touch disjoint data, so every thread count gives the same result.
// Threads  one owner (the bank tile) calls; with one thread the loop is a plain loop and no task is
//          made. Bodies do not throw.
// Speed    a task costs 31-80 ns and a sleeping worker 33 us to wake, so grains should be 5-10 us.

#include <cstddef>
#include <memory>
#include <type_traits>

namespace belfry::exec {

/// Indexes [begin, end) of a loop, worked on by one thread; worker < Arena::threads().
struct Chunk {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t worker = 0;
};

class Arena {
public:
    /// Precondition: threads >= 1. The calling thread is one of them.
    explicit Arena(std::size_t threads);
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    [[nodiscard]] std::size_t threads() const { return threads_; }

    /// Calls body(Chunk) for pieces that cover [0, count), each of at most 2 * grain indexes where
    /// more than one thread is used; one call for everything otherwise.
    template <class Body>
    void for_chunks(std::size_t count, std::size_t grain, Body&& body)
    {
        if (count == 0) {
            return;
        }
        if (threads_ == 1 || count <= grain) {
            body(Chunk{0, count, 0});
            return;
        }
        using Plain = std::remove_reference_t<Body>;
        run(count, grain, const_cast<void*>(static_cast<const void*>(&body)),
            [](void* context, const Chunk& chunk) { (*static_cast<Plain*>(context))(chunk); });
    }

private:
    using Call = void (*)(void* context, const Chunk& chunk);
    void run(std::size_t count, std::size_t grain, void* context, Call call);

    struct State;
    std::size_t threads_;
    std::unique_ptr<State> state_; // null with one thread
};

/// While one lives, oneTBB may use this many threads even where the machine has fewer cores (the
/// smallest living limit holds). For tests that ask for 8 threads on 2 cores.
class ParallelismLimit {
public:
    explicit ParallelismLimit(std::size_t threads);
    ~ParallelismLimit();
    ParallelismLimit(const ParallelismLimit&) = delete;
    ParallelismLimit& operator=(const ParallelismLimit&) = delete;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace belfry::exec
