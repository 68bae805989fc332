// SPDX-License-Identifier: Apache-2.0
#include "crypto/poh.hpp"

#include "crypto/poh_choice.hpp"
#include "crypto/sha256.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace belfry::crypto {
namespace {

using Words = std::array<std::uint32_t, 8>;

Words to_words(const Hash& hash)
{
    Words words;
    std::memcpy(words.data(), hash.bytes.data(), sizeof words);
    std::ranges::transform(words, words.begin(), [](auto word) { return __builtin_bswap32(word); });
    return words;
}

Hash to_hash(Words words)
{
    std::ranges::transform(words, words.begin(), [](auto word) { return __builtin_bswap32(word); });
    Hash hash;
    std::memcpy(hash.bytes.data(), words.data(), sizeof words);
    return hash;
}

Hash append_with(Sha256Chain chain, const Hash& state, std::uint64_t hash_count)
{
    Words words = to_words(state);
    chain(words.data(), hash_count);
    return to_hash(words);
}

/// Hashes of a segment before the one that mixes in. Precondition: is_possible.
std::uint64_t plain_hashes(const PohSegment& segment)
{
    return segment.hash_count - (segment.mixin ? 1 : 0);
}

bool is_possible(const PohSegment& segment)
{
    return !segment.mixin || segment.hash_count != 0;
}

bool ends_right(const PohSegment& segment, const Hash& before_mixin)
{
    return (segment.mixin ? poh_mix(before_mixin, *segment.mixin) : before_mixin) == segment.end;
}

/// Sixteen segments in sixteen lanes; a lane that is done takes the next segment.
class LaneVerifier {
public:
    explicit LaneVerifier(Sha256ChainLanes16 chain)
        : chain_(chain)
    {
    }

    bool run(std::span<const PohSegment> segments)
    {
        constexpr std::uint64_t parked = std::numeric_limits<std::uint64_t>::max();
        std::size_t next = 0;
        std::size_t busy_count = 0;
        const auto load = [&](std::size_t l) {
            const Words words = to_words(segments[next].start);
            for (std::size_t w = 0; w < words.size(); ++w) {
                state_[w * sha256_lanes + l] = words[w];
            }
            left_[l] = plain_hashes(segments[next]);
            segment_[l] = next++;
        };
        for (std::size_t l = 0; l < sha256_lanes; ++l) {
            left_[l] = parked;
            if (next < segments.size()) {
                load(l);
                ++busy_count;
            }
        }
        while (busy_count != 0) {
            const std::uint64_t step = *std::ranges::min_element(left_);
            chain_(state_.data(), step);
            for (std::size_t l = 0; l < sha256_lanes; ++l) {
                if (left_[l] == parked) {
                    continue;
                }
                left_[l] -= step;
                if (left_[l] != 0) {
                    continue;
                }
                if (!ends_right(segments[segment_[l]], lane(l))) {
                    return false;
                }
                if (next < segments.size()) {
                    load(l);
                } else {
                    left_[l] = parked;
                    --busy_count;
                }
            }
        }
        return true;
    }

private:
    [[nodiscard]] Hash lane(std::size_t l) const
    {
        Words words;
        for (std::size_t w = 0; w < words.size(); ++w) {
            words[w] = state_[w * sha256_lanes + l];
        }
        return to_hash(words);
    }

    Sha256ChainLanes16 chain_;
    alignas(64) std::array<std::uint32_t, 8 * sha256_lanes> state_{};
    std::array<std::uint64_t, sha256_lanes> left_{};
    std::array<std::size_t, sha256_lanes> segment_{};
};

} // namespace

Hash poh_append(const Hash& state, std::uint64_t hash_count)
{
    return append_with(sha256_single_kernel().run.chain, state, hash_count);
}

Hash poh_mix(const Hash& state, const Hash& mixin)
{
    std::array<std::uint8_t, 2 * Hash::size_bytes> both;
    std::ranges::copy(state.bytes, both.begin());
    std::ranges::copy(mixin.bytes, both.begin() + Hash::size_bytes);
    return sha256(both);
}

bool poh_verify_with(const Sha256Single& single, const Sha256Lanes& lanes,
                     std::span<const PohSegment> segments)
{
    if (!std::ranges::all_of(segments, is_possible)) {
        return false;
    }
    if (lanes.chain != nullptr && segments.size() >= lanes.segments_min) {
        return LaneVerifier(lanes.chain).run(segments);
    }
    return std::ranges::all_of(segments, [&](const PohSegment& segment) {
        return ends_right(segment, append_with(single.chain, segment.start, plain_hashes(segment)));
    });
}

bool poh_verify(std::span<const PohSegment> segments)
{
    return poh_verify_with(sha256_single_kernel().run, sha256_lanes_kernel().run, segments);
}

} // namespace belfry::crypto
