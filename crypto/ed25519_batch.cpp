// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "crypto/ed25519.hpp"

namespace belfry::crypto {

struct Ed25519BatchVerifier::State {
    Options options;
};

Ed25519BatchVerifier::Ed25519BatchVerifier()
    : Ed25519BatchVerifier(Options{})
{
}

Ed25519BatchVerifier::Ed25519BatchVerifier(const Options& options)
    : state_(std::make_unique<State>(State{options}))
{
}

Ed25519BatchVerifier::~Ed25519BatchVerifier() = default;

void Ed25519BatchVerifier::verify(std::span<const Ed25519Job> jobs, std::span<bool> verdicts)
{
    BELFRY_CHECK(jobs.size() == verdicts.size());
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        verdicts[i] = ed25519_verify(jobs[i]);
    }
}

} // namespace belfry::crypto
