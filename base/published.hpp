// SPDX-License-Identifier: Apache-2.0
#pragma once
// published.hpp: what one thread writes and any thread may read: counters and snapshots.
// Shapes   Counter is one 64-bit number; Published<T> holds a trivially copyable T as a whole.
// Threads  one writer, any number of readers. The writer never waits. A reader of Published<T>
// tries
//          again only when two publications began while it copied; a writer that the system stops
//          in the middle of a publication does not stop readers, for it writes the other of two
//          slots.
// Bounds   nothing is allocated; a Published<T> is two copies of T.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

namespace belfry {

/// A number that one thread adds to and others read, without order towards other memory.
class Counter {
public:
    /// Writer only: a load and a store are enough where nobody else writes.
    void add(std::uint64_t amount = 1) noexcept
    {
        // relaxed: a counter carries no other data; partner: read().
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    /// Writer only: for gauges.
    void set(std::uint64_t value) noexcept
    {
        value_.store(value, std::memory_order_relaxed); // partner: read()
    }
    [[nodiscard]] std::uint64_t read() const noexcept
    {
        return value_.load(std::memory_order_relaxed); // partner: add() and set()
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A request that any thread makes and any thread sees, once and for good (stop, ready).
class Latch {
public:
    void set() noexcept { set_.store(true, std::memory_order_release); } // partner: is_set()
    /// What happened before set() is visible to who sees true.
    [[nodiscard]] bool is_set() const noexcept
    {
        return set_.load(std::memory_order_acquire); // partner: set()
    }

private:
    std::atomic<bool> set_{false};
};

/// The newest whole value of T.
/// Publication k stores started_ = k, then the words of slot k % 2, then completed_ = k. A reader
/// takes v = completed_, copies slot v % 2, and keeps the copy when started_ <= v + 1: that slot is
/// written again only by publication v + 2.
template <class T>
    requires std::is_trivially_copyable_v<T>
class Published {
public:
    Published()
        : Published(T{})
    {
    }
    /// The value before the first publication.
    explicit Published(const T& initial) { store_words(slots_[0], initial); }
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    /// Writer only.
    void publish(const T& value) noexcept
    {
        const std::uint64_t version = completed_.load(std::memory_order_relaxed) + 1; // own value
        // relaxed: ordered before the words by their release stores; partner: the check in read().
        started_.store(version, std::memory_order_relaxed);
        store_words(slots_[version % 2], value);
        // release: the words come first; partner: the acquire load at the start of read().
        completed_.store(version, std::memory_order_release);
    }

    [[nodiscard]] T read() const noexcept
    {
        for (;;) {
            // acquire: words of at least this publication follow; partner: publish(), last store.
            const std::uint64_t version = completed_.load(std::memory_order_acquire);
            const T copy = load_words(slots_[version % 2]);
            // relaxed: a word of publication version + 2, read with acquire, makes its started_
            // visible here; partner: publish(), first store.
            if (started_.load(std::memory_order_relaxed) <= version + 1) {
                return copy;
            }
        }
    }

    /// How often publish() has completed: tells a reader whether there is something new.
    [[nodiscard]] std::uint64_t version() const noexcept
    {
        return completed_.load(std::memory_order_acquire); // partner: publish(), last store
    }

private:
    static constexpr std::size_t word_count = (sizeof(T) + 7) / 8;
    static constexpr std::size_t line_bytes = 64;
    using Words = std::array<std::atomic<std::uint64_t>, word_count>;

    static void store_words(Words& words, const T& value) noexcept
    {
        const auto* source = reinterpret_cast<const unsigned char*>(&value);
        for (std::size_t i = 0; i < word_count; ++i) {
            std::uint64_t word = 0;
            std::memcpy(&word, source + (8 * i), std::min<std::size_t>(8, sizeof(T) - (8 * i)));
            // release: started_ comes first; partner: the acquire loads of load_words().
            words[i].store(word, std::memory_order_release);
        }
    }
    static T load_words(const Words& words) noexcept
    {
        alignas(T) std::array<unsigned char, word_count * 8> bytes;
        for (std::size_t i = 0; i < word_count; ++i) {
            // acquire: the check of started_ in read() comes after; partner: store_words().
            const std::uint64_t word = words[i].load(std::memory_order_acquire);
            std::memcpy(bytes.data() + (8 * i), &word, 8);
        }
        std::array<T, 1> out{};
        std::memcpy(static_cast<void*>(out.data()), bytes.data(), sizeof(T));
        return out[0];
    }

    alignas(line_bytes) std::atomic<std::uint64_t> started_{0};
    std::atomic<std::uint64_t> completed_{0};
    alignas(line_bytes) std::array<Words, 2> slots_{};
};

} // namespace belfry
