// SPDX-License-Identifier: Apache-2.0
// tower_model_fuzz: blocks, votes, duplicates and own votes as the bytes say: where the engine
// stands, what it votes for and what it purges is what the book of rules allows.
#include "tests/consensus/tower_model.hpp"
#include "tests/fuzz/gtest_aborts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    consensus::TowerPair pair{Choices(ByteView(data, size))};
    for (int step = 0; pair.more() && step < 80; ++step) {
        pair.change();
        pair.compare();
    }
    return 0;
}
