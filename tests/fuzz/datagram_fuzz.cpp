// SPDX-License-Identifier: Apache-2.0
// Any bytes, as if they came from the network, through the prefix of every lane, the vote parser
// and the verifier. The first byte of the input chooses the lane, whether a batch ends, and whether
// the datagram is as long as one can be.
#include "base/check.hpp"
#include "dataplane/ingress/verifier.hpp"
#include "dataplane/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

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

void forward(const Prefix& prefix, ByteView bytes)
{
    const ByteView transaction = bytes.first(std::min(bytes.size(), wire_transaction_bytes_max));
    Bytes datagram;
    write_forward(prefix, transaction, datagram);
    const auto back = prefix.strip(datagram);
    BELFRY_CHECK(back && std::ranges::equal(*back, transaction));
}

/// A drop has a name of its own, since operators find it by that.
void check_names()
{
    std::set<std::string> names;
    for (std::size_t drop = 0; drop < ingress_drop_count; ++drop) {
        BELFRY_CHECK(names.insert(to_string(static_cast<IngressDrop>(drop))).second);
    }
}

void feed(ByteView input)
{
    static const Hash genesis{};
    static const Prefix prefix(genesis);
    static Verifier verifier(genesis, {.batch_max = 4, .duplicates = {.entries_max = 64}});
    const auto lane = static_cast<Lane>(input[0] % lane_count);
    Bytes datagram(input.begin() + 1, input.end());
    if ((input[0] & 64) != 0) {
        datagram.resize(std::max<std::size_t>(datagram.size(), 1'500));
    }
    const auto opened = prefix.open(lane, datagram);
    if (opened) {
        BELFRY_CHECK(opened->size() <= datagram.size());
    } else {
        BELFRY_CHECK(to_string(opened.error()) != "unknown");
    }
    forward(prefix, datagram);
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
    static const bool named = (belfry::dataplane::check_names(), true);
    if (named && size > 0) {
        belfry::dataplane::feed({data, size});
    }
    return 0;
}
