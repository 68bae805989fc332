// SPDX-License-Identifier: Apache-2.0
// fork_tree_fuzz: blocks, votes, root marks, duplicates, purges and prunes as the bytes say: fork
// choice is that of the model that recomputes everything.
#include "tests/consensus/fork_tree_model.hpp"
#include "tests/fuzz/gtest_aborts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    consensus::fork_tree_model::ForkTreePair pair{Choices(ByteView(data, size))};
    for (int step = 1; pair.more() && step <= 200; ++step) {
        pair.change();
        if (step % 8 == 0) {
            pair.compare();
        }
    }
    pair.compare();
    return 0;
}
