// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/uring.hpp"

#include "base/check.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

namespace belfry::dataplane {
namespace {

constexpr std::array<unsigned, 3> flags_best_first{
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, // Linux 6.1
    IORING_SETUP_COOP_TASKRUN,                               // Linux 5.19
    0,
};

constexpr std::size_t operations_max = 8;

[[noreturn]] void fail(int negative_errno, const char* what)
{
    throw std::system_error(-negative_errno, std::generic_category(), what);
}

} // namespace

Uring::Uring(const Options& options)
{
    BELFRY_CHECK(options.operations.size() <= operations_max);
    int result = -EINVAL;
    for (const unsigned flags : flags_best_first) {
        io_uring_params parameters{};
        parameters.flags = flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE;
        parameters.cq_entries = options.cqe_count;
        result = io_uring_queue_init_params(options.sqe_count, &ring_, &parameters);
        if (result == 0) {
            single_issuer_ = (flags & IORING_SETUP_SINGLE_ISSUER) != 0;
            restrict_to(options);
            return;
        }
        if (result != -EINVAL) {
            break; // refused, not unknown: fewer flags do not help
        }
    }
    fail(result, "io_uring_setup");
}

void Uring::restrict_to(const Options& options) noexcept
{
    if (options.operations.empty()) {
        return;
    }
    std::array<io_uring_restriction, operations_max + 3> rules{};
    std::size_t count = 0;
    for (const io_uring_op operation : options.operations) {
        rules[count].opcode = IORING_RESTRICTION_SQE_OP;
        rules[count++].sqe_op = static_cast<std::uint8_t>(operation);
    }
    rules[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    rules[count++].sqe_flags = options.sqe_flags;
    // Of what may be registered once the ring runs, only what ends its requests.
    for (const auto operation : {IORING_REGISTER_ENABLE_RINGS, IORING_REGISTER_SYNC_CANCEL}) {
        rules[count].opcode = IORING_RESTRICTION_REGISTER_OP;
        rules[count++].register_op = static_cast<std::uint8_t>(operation);
    }
    restricted_ = syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_RESTRICTIONS,
                          rules.data(), count) >= 0;
}

Uring::~Uring()
{
    io_uring_queue_exit(&ring_);
}

bool Uring::start() noexcept
{
    // liburing 2.3 declares io_uring_enable_rings() and does not export it.
    return syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr,
                   0) >= 0;
}

io_uring_sqe* Uring::next_sqe() noexcept
{
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        (void)io_uring_submit(&ring_);
        entry = io_uring_get_sqe(&ring_);
    }
    return entry;
}

void Uring::enter(std::chrono::nanoseconds wait_max) noexcept
{
    if (wait_max.count() <= 0) {
        (void)io_uring_submit_and_get_events(&ring_);
        return;
    }
    __kernel_timespec timeout{};
    timeout.tv_sec = wait_max.count() / 1'000'000'000;
    timeout.tv_nsec = wait_max.count() % 1'000'000'000;
    io_uring_cqe* first =
        nullptr; // the caller walks the queue itself; ETIME and EINTR are ends too
    (void)io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
}

void Uring::cancel_all() noexcept
{
    io_uring_sync_cancel_reg request{};
    request.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    request.timeout.tv_sec = 1;
    // ENOENT: there was nothing. EINVAL: Linux < 6.0, where the requests end with the ring.
    (void)io_uring_register_sync_cancel(&ring_, &request);
}

MappedBytes::MappedBytes(std::size_t bytes)
    : size_(bytes)
{
    void* const memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "mmap of receive buffers");
    }
    data_ = static_cast<std::uint8_t*>(memory);
}

MappedBytes::~MappedBytes()
{
    if (data_ != nullptr) {
        munmap(data_, size_);
    }
}

MappedBytes::MappedBytes(MappedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr))
    , size_(std::exchange(other.size_, 0))
{
}

BufferRing::BufferRing(Uring& uring, const Options& options)
    : options_(options)
    , entries_(options.count * sizeof(io_uring_buf))
    , buffers_(options.count * options.buffer_bytes)
{
    BELFRY_CHECK(std::has_single_bit(options.count));
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_.data());
    registration.ring_entries = options.count;
    registration.bgid = options.group;
    if (const int result = io_uring_register_buf_ring(uring.get(), &registration, 0); result < 0) {
        fail(result, "io_uring_register_buf_ring");
    }
    io_uring_buf_ring_init(ring());
    for (std::uint32_t id = 0; id < options.count; ++id) {
        add(id);
    }
    publish();
}

void BufferRing::add(std::uint32_t id) noexcept
{
    io_uring_buf_ring_add(ring(), buffer(id), static_cast<unsigned>(options_.buffer_bytes),
                          static_cast<std::uint16_t>(id), io_uring_buf_ring_mask(options_.count),
                          added_count_);
    ++added_count_;
}

void BufferRing::publish() noexcept
{
    if (added_count_ > 0) {
        io_uring_buf_ring_advance(ring(), added_count_);
        added_count_ = 0;
    }
}

} // namespace belfry::dataplane
