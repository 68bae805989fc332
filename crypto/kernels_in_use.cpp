// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_kernel_choice.hpp"
#include "crypto/keccak_choice.hpp"
#include "crypto/kernels.hpp"
#include "crypto/rs_choice.hpp"
#include "crypto/sha256_choice.hpp"
#include "crypto/sha512_choice.hpp"

namespace belfry::crypto {

std::vector<KernelInUse> kernels_in_use()
{
    return {
        {"sha256", sha256_single_kernel().name},     {"sha256_many", sha256_lanes_kernel().name},
        {"sha512_many", sha512_lanes_kernel().name}, {"keccak256_many", keccak_lanes_kernel().name},
        {"reed_solomon", rs_kernel().name},          {"ed25519", ed25519_kernel().name},
    };
}

} // namespace belfry::crypto
