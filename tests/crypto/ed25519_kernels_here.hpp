// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_kernels_here.hpp: a check made with each Ed25519 kernel that this CPU has.

#include "crypto/ed25519_kernel_choice.hpp"
#include "crypto/kernels.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace belfry::crypto::testing {

template <class Check>
void on_every_kernel(const Check& check)
{
    for (const auto& kernel : ed25519_kernels()) {
        if (kernel.supported(cpu_features())) {
            SCOPED_TRACE(kernel.name);
            check(*kernel.run);
        } else {
            std::cout << kernel.name << " skipped: not on this CPU\n";
        }
    }
}

} // namespace belfry::crypto::testing
