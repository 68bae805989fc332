// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_batch_engine.hpp"

namespace belfry::crypto {

struct Ed25519BatchVerifier::State {
    Ed25519BatchEngine<Zip215Rules> engine;
};

Ed25519BatchVerifier::Ed25519BatchVerifier()
    : Ed25519BatchVerifier(Options{})
{
}

Ed25519BatchVerifier::Ed25519BatchVerifier(const Options& options)
    : state_(new State{{options, *ed25519_kernel().run}})
{
}

Ed25519BatchVerifier::~Ed25519BatchVerifier() = default;

void Ed25519BatchVerifier::verify(std::span<const Ed25519Job> jobs, std::span<bool> verdicts)
{
    state_->engine.verify(jobs, verdicts);
}

} // namespace belfry::crypto
