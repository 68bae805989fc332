// SPDX-License-Identifier: Apache-2.0
#include "crypto/kernels.hpp"

#include <cpuid.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace belfry::crypto {
namespace {

constexpr std::array<std::pair<std::string_view, KernelTier>, 3> tiers{{
    {"portable", KernelTier::portable},
    {"avx2", KernelTier::avx2},
    {"avx512", KernelTier::avx512},
}};

struct Leaf {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf)
{
    Leaf out;
    if (__get_cpuid_count(leaf, subleaf, &out.a, &out.b, &out.c, &out.d) == 0) {
        return {};
    }
    return out;
}

/// Which register files the operating system saves. Precondition: CPUID says OSXSAVE.
std::uint64_t xcr0()
{
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0)); // the intrinsic needs -mxsave
    return std::uint64_t{high} << 32 | low;
}

CpuFeatures probe()
{
    const auto bit = [](unsigned word, unsigned index) {
        return (word >> index & 1U) != 0;
    };
    const Leaf one = cpuid(1, 0);
    const Leaf seven = cpuid(7, 0);
    const std::uint64_t saved = bit(one.c, 27) ? xcr0() : 0;
    constexpr std::uint64_t ymm_state = 0x06;        // SSE and AVX halves
    constexpr std::uint64_t zmm_state = 0xE0 | 0x06; // and opmask, upper ZMM, ZMM16-31
    const bool ymm = (saved & ymm_state) == ymm_state && bit(one.c, 28);
    const bool zmm = (saved & zmm_state) == zmm_state && ymm;
    return {
        .avx2 = ymm && bit(seven.b, 5),
        .bmi2 = bit(seven.b, 8),
        .adx = bit(seven.b, 19),
        .sha_ni = bit(seven.b, 29),
        .gfni = bit(seven.c, 8),
        .avx512f = zmm && bit(seven.b, 16),
        .avx512dq = zmm && bit(seven.b, 17),
        .avx512bw = zmm && bit(seven.b, 30),
        .avx512vl = zmm && bit(seven.b, 31),
        .avx512ifma = zmm && bit(seven.b, 21),
        .avx512vbmi = zmm && bit(seven.c, 1),
    };
}

KernelTier limit_from_environment()
{
    const char* forced = std::getenv("BELFRY_KERNEL"); // NOLINT(concurrency-mt-unsafe): at start
    if (forced == nullptr) {
        return KernelTier::avx512;
    }
    const std::optional<KernelTier> tier = tier_from_name(forced);
    if (!tier) {
        throw std::runtime_error("BELFRY_KERNEL is '" + std::string(forced) +
                                 "'; set it to portable, avx2 or avx512, or not at all");
    }
    return *tier;
}

} // namespace

std::string_view tier_name(KernelTier tier)
{
    for (const auto& [name, value] : tiers) {
        if (value == tier) {
            return name;
        }
    }
    return "";
}

std::optional<KernelTier> tier_from_name(std::string_view name)
{
    for (const auto& [known, tier] : tiers) {
        if (known == name) {
            return tier;
        }
    }
    return std::nullopt;
}

const CpuFeatures& cpu_features()
{
    static const CpuFeatures features = probe();
    return features;
}

KernelTier tier_limit()
{
    static const KernelTier limit = limit_from_environment();
    return limit;
}

} // namespace belfry::crypto
