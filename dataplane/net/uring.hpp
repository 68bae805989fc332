// SPDX-License-Identifier: Apache-2.0
#pragma once
// uring.hpp: an io_uring and its provided buffers as owned things.
// Shapes   made disabled by any thread; start() by the one thread that will use it, which lets the
//          kernel leave out its locks (SINGLE_ISSUER, DEFER_TASKRUN; plain where Linux < 6.1).
//          Restricted before it starts to the operations its user names: what a stranger's bytes
//          may talk this thread into, the ring opens no file and makes no socket.
//          A BufferRing is one group of equal buffers that the kernel takes from.
// Bounds   sqe_count submissions between two enters, cqe_count completions; both powers of two.
// Errors   constructors throw std::system_error: EPERM, ENOSYS or ENOMEM mean that io_uring is
// refused
//          here and another way must be taken.
// Threads  see above; the destructors run in any thread once the user is done.
// Source   io_uring(7); liburing 2.3 registers a buffer ring but does not set one up.

#include <liburing.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace belfry::dataplane {

class Uring {
public:
    struct Options {
        unsigned sqe_count = 256;
        unsigned cqe_count = 4096;                 // at least sqe_count
        std::span<const io_uring_op> operations{}; // all there will be; empty: any
        std::uint8_t sqe_flags = 0;                // the only ones, with operations
    };
    explicit Uring(const Options& options);
    ~Uring();
    Uring(const Uring&) = delete;
    Uring& operator=(const Uring&) = delete;

    /// By the thread that submits from now on. False when the kernel does not let it.
    [[nodiscard]] bool start() noexcept;
    [[nodiscard]] io_uring* get() noexcept { return &ring_; }
    /// False when no operations were named, or the kernel knows no restrictions (Linux < 5.10).
    [[nodiscard]] bool is_restricted() const noexcept { return restricted_; }
    /// Of the plainest flags there are: no kernel work is saved up for this thread.
    [[nodiscard]] bool is_single_issuer() const noexcept { return single_issuer_; }
    /// A cleared submission entry, submitting first when all are taken; nullptr when the kernel
    /// takes none.
    [[nodiscard]] io_uring_sqe* next_sqe() noexcept;
    /// Submits, runs the kernel's saved-up work, and waits at most wait_max for one completion.
    void enter(std::chrono::nanoseconds wait_max) noexcept;
    /// Ends every request and waits for that, so that no file is held.
    void cancel_all() noexcept;

private:
    void restrict_to(const Options& options) noexcept;
    io_uring ring_{};
    bool single_issuer_ = false;
    bool restricted_ = false;
};

/// Memory from mmap, given back on destruction; pages cost nothing until they are used.
class MappedBytes {
public:
    explicit MappedBytes(std::size_t bytes);
    ~MappedBytes();
    MappedBytes(MappedBytes&& other) noexcept;
    MappedBytes& operator=(MappedBytes&&) = delete;
    MappedBytes(const MappedBytes&) = delete;
    MappedBytes& operator=(const MappedBytes&) = delete;

    [[nodiscard]] std::uint8_t* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

/// A registered ring of provided buffers. The Uring must outlive it.
class BufferRing {
public:
    struct Options {
        std::uint16_t group = 0;
        std::uint32_t count = 32; // a power of two
        std::size_t buffer_bytes = 0;
    };
    BufferRing(Uring& uring, const Options& options);
    BufferRing(BufferRing&&) noexcept = default;
    BufferRing& operator=(BufferRing&&) = delete;
    BufferRing(const BufferRing&) = delete;
    BufferRing& operator=(const BufferRing&) = delete;
    ~BufferRing() = default; // the kernel forgets the group with the ring

    [[nodiscard]] std::uint16_t group() const noexcept { return options_.group; }
    [[nodiscard]] std::uint8_t* buffer(std::uint32_t id) const noexcept
    {
        return buffers_.data() + (id * options_.buffer_bytes);
    }
    /// Gives a buffer to the kernel, which sees it after publish().
    void add(std::uint32_t id) noexcept;
    void publish() noexcept;

private:
    [[nodiscard]] io_uring_buf_ring* ring() const noexcept
    {
        return reinterpret_cast<io_uring_buf_ring*>(entries_.data());
    }
    Options options_;
    MappedBytes entries_;
    MappedBytes buffers_;
    int added_count_ = 0;
};

} // namespace belfry::dataplane
