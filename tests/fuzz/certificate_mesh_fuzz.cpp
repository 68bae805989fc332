// SPDX-License-Identifier: Apache-2.0
// certificate_mesh_fuzz: four validators of which one lies, over a network that loses, delays and
// crashes them as the bytes say: no two blocks of a slot become final, nobody honest contradicts
// itself, and what is final stays so. The first byte chooses gadgets alone or whole engines.
#include "base/check.hpp"
#include "tests/consensus/certificate_mesh.hpp"

#include <cstdio>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry;                     // NOLINT(google-build-using-namespace)
    using namespace belfry::consensus::testing; // NOLINT(google-build-using-namespace)
    Choices choices{ByteView(data, size)};
    const std::uint64_t kind = choices();
    Mesh mesh({.seed = kind, .with_tower = kind % 2 == 1, .choices = &choices});
    mesh.run_to(10);
    for (const std::string& violation : mesh.violations()) {
        (void)std::fprintf(stderr, "violation: %s\n", violation.c_str());
    }
    BELFRY_CHECK(mesh.violations().empty());
    return 0;
}
