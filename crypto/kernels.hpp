// SPDX-License-Identifier: Apache-2.0
#pragma once
// kernels.hpp: which instruction sets this process may use, asked once; the one way kernels of this
// room are chosen.
// Rule     a kernel runs only if the CPU has every flag its file is built with, the operating
//          system saves the registers, BELFRY_KERNEL does not forbid its tier, and its self-test
//          agreed with the portable code. Otherwise the next one is asked; the portable kernel
//          needs nothing.
// Choice   BELFRY_KERNEL=portable|avx2|avx512 names the highest tier allowed; not set: no limit.
// Errors   an unknown BELFRY_KERNEL is a std::runtime_error at first use, which is at start.
// Threads  everything here is fixed after its first use.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::crypto {

/// SHA-NI counts as avx2: no CPU in use has one without the other.
enum class KernelTier : std::uint8_t { portable, avx2, avx512 };

[[nodiscard]] std::string_view tier_name(KernelTier tier);
[[nodiscard]] std::optional<KernelTier> tier_from_name(std::string_view name);

/// What CPUID says and the operating system backs (XCR0). An AVX flag is true only if its registers
/// are saved on a context switch.
struct CpuFeatures {
    bool avx2 = false;
    bool bmi2 = false;
    bool adx = false;
    bool sha_ni = false;
    bool gfni = false;
    bool avx512f = false;
    bool avx512dq = false;
    bool avx512bw = false;
    bool avx512vl = false;
    bool avx512ifma = false;
    bool avx512vbmi = false;
};

/// Of this machine.
[[nodiscard]] const CpuFeatures& cpu_features();

/// The highest tier BELFRY_KERNEL allows.
[[nodiscard]] KernelTier tier_limit();

/// One way to do a piece of work. Run is a pointer to function, or a struct of them.
template <class Run>
struct Kernel {
    const char* name = "";
    KernelTier tier = KernelTier::portable;
    bool (*supported)(const CpuFeatures& cpu) = nullptr;
    Run run{};
};

template <class Run>
[[nodiscard]] bool kernel_may_run(const Kernel<Run>& kernel)
{
    return kernel.tier <= tier_limit() && kernel.supported(cpu_features());
}

/// The first kernel of best_first that may run and passes its self-test; the last one, which must
/// be portable, if none does.
template <class Run>
[[nodiscard]] const Kernel<Run>& choose_kernel(std::span<const Kernel<Run>> best_first,
                                               bool (*self_test)(const Run& run))
{
    for (const Kernel<Run>& kernel : best_first.first(best_first.size() - 1)) {
        if (kernel_may_run(kernel) && self_test(kernel.run)) {
            return kernel;
        }
    }
    return best_first.back();
}

/// What a piece of work runs on in this process.
struct KernelInUse {
    std::string_view work;   // "sha256", "rs", ...
    std::string_view kernel; // name of the chosen kernel
};

/// Chooses (and so self-tests) every kernel of the room; for the log at start and for reports.
[[nodiscard]] std::vector<KernelInUse> kernels_in_use();

} // namespace belfry::crypto
