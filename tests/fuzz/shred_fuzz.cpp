// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as datagrams of the shred socket: nothing but a Result may come of them, and
// what the parser accepts is written back to the same bytes.
#include "base/check.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/shred/shred.hpp"

#include <array>

using namespace belfry;            // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane; // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView datagram{data, size};
    Hash genesis;
    genesis.bytes.fill(0x67);
    const Prefix prefix(genesis);
    const auto shred = parse_shred(datagram, prefix);
    if (!shred) {
        BELFRY_CHECK(to_string(shred.error()) != "unknown");
        return 0;
    }
    std::array<std::uint8_t, leaf_header_bytes> header{};
    write_leaf_header(shred->header, shred->shred_index, header);
    BELFRY_CHECK(std::equal(header.begin(), header.end(), shred->leaf.begin()));
    BELFRY_CHECK(datagram.size() <= datagram_bytes_max);
    BELFRY_CHECK(shred->header.parent_slot < shred->header.slot);

    // The corpus's leader: seed 32 times 0x01.
    const std::optional<Bytes> leader =
        from_hex("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c");
    FecResolver::Options options;
    options.genesis = genesis;
    options.leader_of = [&](Slot) {
        return std::optional{Pubkey::from(*leader)};
    };
    FecResolver resolver(options);
    resolver.set_window(Slot{0}, Slot{1'000});
    const auto accepted = resolver.accept(datagram, {});
    if (!accepted) {
        BELFRY_CHECK(to_string(accepted.error()) != "unknown");
        BELFRY_CHECK(resolver.open_bytes() == 0 || accepted.error() == ShredError::malformed_set);
    }
    return 0;
}
