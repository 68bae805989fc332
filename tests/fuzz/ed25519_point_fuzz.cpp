// SPDX-License-Identifier: Apache-2.0
// Every kernel decodes the same points as big integers of OpenSSL, and rejects the same bytes.
// Input    32 bytes each.
#include "base/check.hpp"
#include "crypto/ed25519_kernel_choice.hpp"
#include "tests/crypto/ed25519_reference.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::crypto {
namespace {

void check(ByteView input)
{
    const std::size_t count = input.size() / 32;
    std::vector<const std::uint8_t*> encodings;
    for (std::size_t i = 0; i < count; ++i) {
        encodings.push_back(input.data() + 32 * i);
    }
    for (const auto& kernel : ed25519_kernels()) {
        if (!kernel.supported(cpu_features())) {
            continue;
        }
        std::vector<Ed25519Row> rows(count);
        std::vector<std::uint8_t> decoded(count);
        kernel.run->decode(encodings.data(), count, rows.data(), decoded.data());
        for (std::size_t i = 0; i < count; ++i) {
            const auto expect = testing::slow_decode({encodings[i], 32});
            BELFRY_CHECK(expect.has_value() == (decoded[i] != 0));
            if (expect) {
                BELFRY_CHECK(point_to_bytes(point_of(niels_of(rows[i]))) ==
                             testing::slow_encode(*expect));
            }
        }
    }
}

} // namespace
} // namespace belfry::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    belfry::crypto::check({data, size});
    return 0;
}
