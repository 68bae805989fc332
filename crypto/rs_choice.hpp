// SPDX-License-Identifier: Apache-2.0
#pragma once
// rs_choice.hpp: private to this room. The kernels of Reed-Solomon and the work with a given one,
// for the tests, which run each.

#include "crypto/kernels.hpp"
#include "crypto/reed_solomon.hpp"
#include "crypto/rs_kernels.hpp"

namespace belfry::crypto {

struct RsKernelSet {
    RsCombine combine = nullptr;
    const RsEncodeShape* encode_shapes = nullptr; // nullptr: every shape is combined
    RsRecover recover = nullptr;                  // nullptr: always combined
    std::size_t row_bytes_min = 1;                // shorter rows are padded for it
};

[[nodiscard]] std::span<const Kernel<RsKernelSet>> rs_kernels();
[[nodiscard]] const Kernel<RsKernelSet>& rs_kernel();
/// Encodes and recovers shapes that reach every path; false if a byte differs from portable.
[[nodiscard]] bool rs_self_test(const RsKernelSet& kernel);

void rs_encode_with(const RsKernelSet& kernel, std::span<const ByteView> data,
                    std::span<const std::span<std::uint8_t>> parity);
[[nodiscard]] Result<void, RsError>
rs_recover_with(const RsKernelSet& kernel, std::size_t data_count, std::size_t parity_count,
                std::span<const RsRow> rows, std::span<const std::size_t> wanted_index,
                std::span<const std::span<std::uint8_t>> out);

} // namespace belfry::crypto
