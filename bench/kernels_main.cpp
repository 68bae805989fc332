// SPDX-License-Identifier: Apache-2.0
// kernels_main.cpp: the one binary that measures the kernels of crypto/ beside their peers.
// Run     ./dev bench kernels        (a table of ratios, medians over repetitions)
//         build/release/bench/kernels --benchmark_format=json
// Force   BELFRY_KERNEL=portable|avx2|avx512
// The context of the output names the kernels in use.

#include "crypto/kernels.hpp"

#include <benchmark/benchmark.h>

#include <string>

int main(int argc, char** argv)
{
    for (const auto& [work, kernel] : belfry::crypto::kernels_in_use()) {
        benchmark::AddCustomContext("kernel_" + std::string(work), std::string(kernel));
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 64;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
