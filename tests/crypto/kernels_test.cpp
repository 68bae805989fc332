// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels.hpp"

#include <gtest/gtest.h>

#include <array>

namespace belfry::crypto {
namespace {

using Answer = int (*)();

constexpr auto always = [](const CpuFeatures&) {
    return true;
};
constexpr auto never = [](const CpuFeatures&) {
    return false;
};
constexpr auto agrees = [](const Answer& run) {
    return run() != 2;
};

TEST(Kernels, takes_the_first_that_runs_here_and_passes_its_self_test)
{
    const std::array<Kernel<Answer>, 4> table{{
        {"absent", KernelTier::portable, never, [] { return 1; }},
        {"broken", KernelTier::portable, always, [] { return 2; }},
        {"good", KernelTier::portable, always, [] { return 3; }},
        {"portable", KernelTier::portable, always, [] { return 4; }},
    }};
    EXPECT_STREQ(choose_kernel<Answer>(table, agrees).name, "good");
}

TEST(Kernels, falls_back_to_portable_when_every_other_one_is_broken)
{
    const std::array<Kernel<Answer>, 2> table{{
        {"broken", KernelTier::portable, always, [] { return 2; }},
        {"portable", KernelTier::portable, always, [] { return 4; }},
    }};
    EXPECT_STREQ(choose_kernel<Answer>(table, agrees).name, "portable");
}

TEST(Kernels, tier_names_go_both_ways_and_others_are_unknown)
{
    for (const KernelTier tier : {KernelTier::portable, KernelTier::avx2, KernelTier::avx512}) {
        EXPECT_EQ(tier_from_name(tier_name(tier)), tier);
    }
    EXPECT_EQ(tier_from_name("scalar"), std::nullopt);
    EXPECT_EQ(tier_from_name(""), std::nullopt);
}

TEST(Kernels, agrees_with_the_compiler_runtime_about_this_cpu)
{
    const CpuFeatures& cpu = cpu_features();
    EXPECT_EQ(cpu.avx2, __builtin_cpu_supports("avx2") != 0);
    EXPECT_EQ(cpu.bmi2, __builtin_cpu_supports("bmi2") != 0);
    EXPECT_EQ(cpu.gfni, __builtin_cpu_supports("gfni") != 0);
    EXPECT_EQ(cpu.avx512f, __builtin_cpu_supports("avx512f") != 0);
    EXPECT_EQ(cpu.avx512dq, __builtin_cpu_supports("avx512dq") != 0);
    EXPECT_EQ(cpu.avx512bw, __builtin_cpu_supports("avx512bw") != 0);
    EXPECT_EQ(cpu.avx512vl, __builtin_cpu_supports("avx512vl") != 0);
    EXPECT_EQ(cpu.avx512ifma, __builtin_cpu_supports("avx512ifma") != 0);
    EXPECT_EQ(cpu.avx512vbmi, __builtin_cpu_supports("avx512vbmi") != 0);
}

} // namespace
} // namespace belfry::crypto
