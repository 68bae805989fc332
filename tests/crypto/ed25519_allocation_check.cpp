// SPDX-License-Identifier: Apache-2.0
// A batch verifier allocates nothing after its constructor. A program of its own, because it counts
// every call of operator new; exit 1 if there was one.
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_bulk_sign.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace {
std::size_t allocation_count = 0;
}

// NOLINTBEGIN(misc-new-delete-overloads): counting is what they are for
void* operator new(std::size_t bytes)
{
    ++allocation_count;
    if (void* memory = std::malloc(bytes)) {
        return memory;
    }
    throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment)
{
    ++allocation_count;
    const auto align = static_cast<std::size_t>(alignment);
    if (void* memory = std::aligned_alloc(align, (bytes + align - 1) / align * align)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept
{
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept
{
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept
{
    std::free(memory);
}
// NOLINTEND(misc-new-delete-overloads)

int main()
{
    using namespace belfry;         // NOLINT(google-build-using-namespace)
    using namespace belfry::crypto; // NOLINT(google-build-using-namespace)
    constexpr std::size_t count = 300;
    const Bytes seed(32, 7);
    const InsecureSigningKey key = InsecureSigningKey::from_seed(seed);
    std::vector<Bytes> messages;
    std::vector<Signature> signatures(count);
    std::vector<InsecureSignJob> sign;
    for (std::size_t i = 0; i < count; ++i) {
        messages.emplace_back(i % 100 == 0 ? 5000 : i, static_cast<std::uint8_t>(i));
    }
    std::vector<Ed25519Job> jobs;
    for (std::size_t i = 0; i < count; ++i) {
        sign.push_back({&key, messages[i], &signatures[i]});
        jobs.push_back({messages[i], &key.pubkey, &signatures[i]});
    }
    insecure_sign_many(sign);
    signatures[200].bytes[40] ^= 1; // so that batches are split too
    const auto verdicts = std::make_unique<bool[]>(count);
    Ed25519BatchVerifier verifier({.jobs_max = 256});
    const std::size_t before = allocation_count;
    for (const std::size_t size : {std::size_t{1}, std::size_t{9}, std::size_t{64}, count}) {
        verifier.verify(std::span(jobs).last(size), {verdicts.get(), size});
    }
    const std::size_t after = allocation_count;
    std::printf("%zu allocations while verifying\n", after - before);
    return after == before && !verdicts[200] && verdicts[199] ? 0 : 1;
}
