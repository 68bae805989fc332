// SPDX-License-Identifier: Apache-2.0
// Any bytes, as if they came from the network, through the prefix of every lane, the vote parser
// and the verifier. The first byte of the input chooses the lane and whether a batch ends.
#include "base/check.hpp"
#include "dataplane/ingress/verifier.hpp"
#include "dataplane/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace belfry::dataplane {
namespace {

void parse_and_rewrite_vote(const Prefix& prefix, ByteView datagram)
{
    const auto vote = parse_vote(prefix, datagram);
    if (!vote) {
        return;
    }
    Bytes again;
    if (const auto* single = std::get_if<VoteDatagram>(&*vote)) {
        write_vote(prefix, *single, again);
    } else if (const auto* bundle = std::get_if<VoteBundleDatagram>(&*vote)) {
        write_vote_bundle(prefix, bundle->bundle, again);
    } else {
        write_evidence(prefix, std::get<EvidenceDatagram>(*vote).evidence, again);
    }
    BELFRY_CHECK(std::ranges::equal(again, datagram)); // there is one encoding
}

void feed(ByteView input)
{
    static const Hash genesis{};
    static const Prefix prefix(genesis);
    static Verifier verifier(genesis, {.batch_max = 4, .duplicates = {.entries_max = 64}});
    const auto lane = static_cast<Lane>(input[0] % lane_count);
    const ByteView datagram = input.subspan(1);
    const auto opened = prefix.open(lane, datagram);
    BELFRY_CHECK(!opened || opened->size() <= datagram.size());
    parse_and_rewrite_vote(prefix, datagram);
    verifier.add(lane, datagram);
    if (input[0] >= 128 || verifier.full()) {
        verifier.verify([](const VerifiedTransaction&) {});
        verifier.next_generation();
    }
}

} // namespace
} // namespace belfry::dataplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size > 0) {
        belfry::dataplane::feed({data, size});
    }
    return 0;
}
