// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_bulk_sign.hpp"

#include "base/check.hpp"
#include "crypto/ed25519_digits.hpp"
#include "crypto/ed25519_kernel_choice.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "crypto/sha512.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t group_max = 64; // jobs that share hashing, lanes and one inversion
constexpr std::size_t slot_bytes = 1536;
constexpr std::size_t slot_prefix_max = 64;

/// SHA-512(prefix | message) mod L for up to group_max jobs, many at once.
class GroupHasher {
public:
    GroupHasher()
        : slots_(group_max * slot_bytes)
    {
    }
    void add(ByteView first, ByteView second, ByteView message)
    {
        const std::size_t total = first.size() + second.size() + message.size();
        if (message.size() > slot_bytes - slot_prefix_max) {
            Sha512 hasher;
            hasher.update(first);
            hasher.update(second);
            hasher.update(message);
            long_digests_.emplace_back(count_, hasher.finish());
            messages_[count_++] = {}; // keeps its place in the group
            return;
        }
        std::uint8_t* slot = &slots_[count_ * slot_bytes];
        std::uint8_t* end = std::ranges::copy(first, slot).out;
        end = std::ranges::copy(second, end).out;
        std::ranges::copy(message, end);
        messages_[count_++] = {slot, total};
    }
    void finish(std::span<Scalar> scalars)
    {
        sha512_many(std::span(messages_).first(count_), std::span(digests_).first(count_));
        for (const auto& [at, digest] : long_digests_) {
            digests_[at] = digest;
        }
        for (std::size_t i = 0; i < count_; ++i) {
            scalars[i] = scalar_reduce(scalar512_from_bytes(digests_[i].view()));
        }
        count_ = 0;
        long_digests_.clear();
    }

private:
    std::size_t count_ = 0;
    std::vector<std::uint8_t> slots_;
    std::array<ByteView, group_max> messages_;
    std::array<Digest512, group_max> digests_;
    std::vector<std::pair<std::size_t, Digest512>> long_digests_;
};

/// Multiplies the base point in lanes.
class BaseMultiplier {
public:
    void multiply(std::span<const Scalar> scalars, std::uint8_t* out)
    {
        for (std::size_t i = 0; i < scalars.size(); ++i) {
            std::array<std::int8_t, ed25519_long_digits> digits{};
            recode_long(scalars[i], 8, digits.data());
            std::copy_n(digits.begin(), 32, digits_.begin() + static_cast<std::ptrdiff_t>(32 * i));
        }
        ed25519_kernel().run->base_multiply(digits_.data(), scalars.size(), ed25519_base_comb(),
                                            sums_.data(), out);
    }

private:
    std::array<std::int8_t, 32 * group_max> digits_{};
    std::array<Ed25519Sum, group_max> sums_{};
};

} // namespace

InsecureSigningKey InsecureSigningKey::from_seed(ByteView seed)
{
    BELFRY_CHECK(seed.size() == 32);
    const Digest512 expanded = sha512(seed);
    InsecureSigningKey key;
    copy_bytes_exactly(key.scalar, expanded.view().first(32));
    copy_bytes_exactly(key.prefix, expanded.view().last(32));
    key.scalar[0] &= 0xF8;
    key.scalar[31] = static_cast<std::uint8_t>((key.scalar[31] & 0x7F) | 0x40);
    Scalar512 wide{};
    std::ranges::copy(scalar_from_bytes_unreduced(key.scalar).word, wide.begin());
    const Scalar scalar = scalar_reduce(wide);
    BaseMultiplier().multiply({&scalar, 1}, key.pubkey.bytes.data());
    return key;
}

void insecure_sign_many(std::span<const InsecureSignJob> jobs)
{
    GroupHasher hasher;
    BaseMultiplier base;
    std::array<Scalar, group_max> nonces;
    std::array<Scalar, group_max> challenges;
    std::array<std::uint8_t, 32 * group_max> r{};
    for (std::size_t at = 0; at < jobs.size(); at += group_max) {
        const std::span<const InsecureSignJob> group =
            jobs.subspan(at, std::min(group_max, jobs.size() - at));
        for (const InsecureSignJob& job : group) {
            hasher.add(job.key->prefix, {}, job.message);
        }
        hasher.finish(nonces);
        base.multiply(std::span(nonces).first(group.size()), r.data());
        for (std::size_t i = 0; i < group.size(); ++i) {
            hasher.add(ByteView(r).subspan(32 * i, 32), group[i].key->pubkey.view(),
                       group[i].message);
        }
        hasher.finish(challenges);
        for (std::size_t i = 0; i < group.size(); ++i) {
            const Scalar secret = scalar_from_bytes_unreduced(group[i].key->scalar);
            const auto s = scalar_to_bytes(scalar_mul_add(challenges[i], secret, nonces[i]));
            std::copy_n(r.begin() + static_cast<std::ptrdiff_t>(32 * i), 32,
                        group[i].signature->bytes.begin());
            std::ranges::copy(s, group[i].signature->bytes.begin() + 32);
        }
    }
}

} // namespace belfry::crypto
