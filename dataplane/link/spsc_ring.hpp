// SPDX-License-Identifier: Apache-2.0
#pragma once
// spsc_ring.hpp: a link, the bounded ring between two tiles, and the bell that wakes a sleeping
// one. Shapes   SpscRing<T> of a power of two of slots. Producer: push(), or claim()/commit() for
// as many
//          as there are, then publish() once. Consumer: pop(), or front()/advance(), then
//          release().
// Bounds   capacity slots; when full push() and claim() say so and the caller drops and counts, or
//          waits. What was staged and not published counts as occupied.
// Threads  one producer thread, one consumer thread. A Doorbell belongs to one consumer, which may
//          have many rings, and is rung by all their producers.
// Errors   none; the Doorbell's constructor throws std::system_error when there is no eventfd left.
//
// No wake-up is lost. The four steps marked (S) are sequentially consistent, so all threads agree
// on one order of them:
//   producer: P1 publishes its tail (S)     consumer: C1 announces its sleep (S)
//             P2 reads the announcement (S)           C2 looks into the ring again (S)
// If P2 comes before C1 in that order, then P1 does too and C2 sees the item: no sleep. Otherwise
// P2 finds the announcement and rings; or it finds that another producer took this announcement,
// which writes to the eventfd after it took it. The eventfd keeps a ring until the consumer has
// read it, in woke(), so it does not matter whether the consumer already sleeps in the kernel at
// that moment. A ring for a sleep that is over makes the next one end at once, which costs one look
// at the rings.

#include "base/check.hpp"

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace belfry::dataplane {

/// Wakes one consumer. The consumer waits for fd() to become readable in any way it likes (poll,
/// io_uring) between announce_sleep() and woke(), or uses sleep().
class Doorbell {
public:
    Doorbell();
    ~Doorbell();
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }

    /// Any producer, after it published: wakes the consumer if that announced its sleep.
    void ring_if_asleep() noexcept
    {
        // seq_cst: P2, after the tail of publish(); partner: C1 in announce_sleep(). The exchange
        // lets one of several producers pay for the system call.
        if (asleep_.load(std::memory_order_seq_cst) &&
            asleep_.exchange(false, std::memory_order_seq_cst)) {
            ring();
        }
    }
    /// Any thread: wakes the consumer now, or lets its next sleep end at once.
    void ring() noexcept;

    /// Consumer: C1. It must look into all its rings (empty()) once more before it waits.
    void announce_sleep() noexcept
    {
        asleep_.store(true, std::memory_order_seq_cst); // C1; partner: P2 in ring_if_asleep()
    }
    /// Consumer: takes the announcement back and empties the eventfd.
    void woke() noexcept;

    /// Consumer: sleeps until rung or until the time is over, unless has_work() says that there is
    /// something in its rings. True when has_work() held, or the bell rang.
    template <class HasWork>
    bool sleep(std::chrono::nanoseconds time_max, HasWork&& has_work)
    {
        announce_sleep();
        const bool busy = has_work() || wait(time_max);
        woke();
        return busy;
    }

private:
    /// poll() on fd(); true when it is readable.
    bool wait(std::chrono::nanoseconds time_max) const noexcept;

    int fd_ = -1;
    std::atomic<bool> asleep_{false};
};

/// T is default constructible and movable; slots keep moved-from values until they are reused.
/// The two sides' fields lie on lines of their own, so that neither slows the other down.
template <class T>
class SpscRing { // NOLINT(clang-analyzer-optin.performance.Padding)
public:
    /// Precondition: capacity is a power of two. bell, when given, must outlive the ring.
    explicit SpscRing(std::size_t capacity, Doorbell* bell = nullptr)
        : slots_(std::make_unique<T[]>(capacity))
        , mask_(capacity - 1)
        , bell_(bell)
    {
        BELFRY_CHECK(std::has_single_bit(capacity));
    }
    SpscRing(const SpscRing&) = delete;
    SpscRing& operator=(const SpscRing&) = delete;

    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

    // ---- producer ----

    /// The next free slot to write in place, or nullptr when the ring is full. The same slot until
    /// commit().
    [[nodiscard]] T* claim() noexcept
    {
        if (staged_ - head_seen_ > mask_) {
            // acquire: the consumer is done with the slots it released; partner: release().
            head_seen_ = head_.load(std::memory_order_acquire);
            if (staged_ - head_seen_ > mask_) {
                return nullptr;
            }
        }
        return &slots_[staged_ & mask_];
    }
    /// Counts the claimed slot as written; the consumer sees it after publish().
    void commit() noexcept { ++staged_; }
    /// Moves value in, unseen until publish(). False, and value untouched, when the ring is full.
    [[nodiscard]] bool stage(T&& value)
    {
        T* const slot = claim();
        if (slot == nullptr) {
            return false;
        }
        *slot = std::move(value);
        commit();
        return true;
    }
    /// Shows the consumer everything staged, and wakes it if it sleeps. Once per batch: it costs
    /// a full barrier.
    void publish() noexcept
    {
        if (staged_ == published_) {
            return;
        }
        published_ = staged_;
        // seq_cst: P1, and release of the slots' contents; partners: the loads of tail_ in front()
        // (acquire) and empty() (C2).
        tail_.store(staged_, std::memory_order_seq_cst);
        if (bell_ != nullptr) {
            bell_->ring_if_asleep();
        }
    }
    /// stage() and publish(). False, and value untouched, when the ring is full.
    [[nodiscard]] bool push(T&& value)
    {
        if (!stage(std::move(value))) {
            return false;
        }
        publish();
        return true;
    }
    [[nodiscard]] bool push(const T& value)
    {
        T copy = value;
        return push(std::move(copy));
    }
    /// Free slots as the producer sees them now; the consumer may only make them more.
    [[nodiscard]] std::size_t free_count() noexcept
    {
        // acquire: as in claim(); partner: release().
        head_seen_ = head_.load(std::memory_order_acquire);
        return capacity() - static_cast<std::size_t>(staged_ - head_seen_);
    }

    // ---- consumer ----

    /// The oldest item, valid until release(), or nullptr.
    [[nodiscard]] T* front() noexcept
    {
        if (next_ == tail_seen_) {
            // acquire: the contents of published slots; partner: publish().
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (next_ == tail_seen_) {
                return nullptr;
            }
        }
        return &slots_[next_ & mask_];
    }
    /// Steps over front(). Its slot goes back to the producer with release(). Precondition: front()
    /// gave an item.
    void advance() noexcept { ++next_; }
    /// Gives the slots that were stepped over back to the producer. Once per batch.
    void release() noexcept
    {
        // release: the slots were read before; partner: the loads of head_ in claim().
        head_.store(next_, std::memory_order_release);
    }
    /// Moves the oldest item out and releases its slot. False when the ring is empty.
    [[nodiscard]] bool pop(T& out)
    {
        T* const item = front();
        if (item == nullptr) {
            return false;
        }
        out = std::move(*item);
        advance();
        release();
        return true;
    }
    /// Calls consume(T&) for at most count_max items, then releases their slots. Returns how many.
    template <class Consume>
    std::size_t drain(std::size_t count_max, Consume&& consume)
    {
        std::size_t count = 0;
        for (; count < count_max; ++count) {
            T* const item = front();
            if (item == nullptr) {
                break;
            }
            consume(*item);
            advance();
        }
        if (count > 0) {
            release();
        }
        return count;
    }
    /// Nothing published is left. Consumer: C2 after Doorbell::announce_sleep().
    [[nodiscard]] bool empty() const noexcept
    {
        return next_ == tail_.load(std::memory_order_seq_cst); // C2; partner: P1 in publish()
    }

private:
    static constexpr std::size_t line_bytes = 128; // two lines: neighbours are prefetched in pairs

    const std::unique_ptr<T[]> slots_;
    const std::size_t mask_;
    Doorbell* const bell_;

    alignas(line_bytes) std::atomic<std::uint64_t> tail_{0}; // items published, ever
    alignas(line_bytes) std::atomic<std::uint64_t> head_{0}; // items released, ever
    alignas(line_bytes) std::uint64_t staged_ = 0;           // producer's own
    std::uint64_t published_ = 0;
    std::uint64_t head_seen_ = 0;
    alignas(line_bytes) std::uint64_t next_ = 0; // consumer's own
    std::uint64_t tail_seen_ = 0;
};

} // namespace belfry::dataplane
