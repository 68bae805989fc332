// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as repair requests: parsed or refused, and what is parsed is written back alike.
#include "base/check.hpp"
#include "dataplane/repair/repair_wire.hpp"

#include <algorithm>

using namespace belfry;            // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane; // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView datagram{data, size};
    Hash genesis;
    genesis.bytes.fill(0x67);
    const auto parsed = parse_repair_request(datagram, Prefix(genesis));
    if (parsed) {
        const Bytes again = write_repair_request(parsed->request, genesis,
                                                 [&](ByteView) { return parsed->signature; });
        BELFRY_CHECK(std::ranges::equal(again, datagram));
    }
    return 0;
}
