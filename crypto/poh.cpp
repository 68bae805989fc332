// SPDX-License-Identifier: Apache-2.0
#include "crypto/poh.hpp"

#include "base/check.hpp"
#include "crypto/sha256.hpp"

#include <algorithm>

namespace belfry::crypto {
namespace {

bool segment_is_right(const PohSegment& segment)
{
    if (!segment.mixin) {
        return poh_append(segment.start, segment.hash_count) == segment.end;
    }
    if (segment.hash_count == 0) {
        return false;
    }
    return poh_mix(poh_append(segment.start, segment.hash_count - 1), *segment.mixin) ==
           segment.end;
}

} // namespace

Hash poh_append(const Hash& state, std::uint64_t hash_count)
{
    Hash out = state;
    for (; hash_count != 0; --hash_count) {
        out = sha256(out.view());
    }
    return out;
}

Hash poh_mix(const Hash& state, const Hash& mixin)
{
    return sha256({state.view(), mixin.view()});
}

bool poh_verify(std::span<const PohSegment> segments)
{
    return std::ranges::all_of(segments, segment_is_right);
}

} // namespace belfry::crypto
