// SPDX-License-Identifier: Apache-2.0
// A batch gives every job the verdict of single verification, whatever the bytes are and whoever
// its neighbours are.
// Input    jobs of 1 byte (what to do) + 96 bytes (key, signature) + up to 15 bytes of message.
//          Some jobs are signed for real, so that both verdicts occur.
#include "base/check.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_bulk_sign.hpp"
#include "crypto/ed25519_kernel_choice.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t jobs_max = 64;

void check(ByteView input)
{
    static Ed25519BatchVerifier verifier({.jobs_max = jobs_max, .key_cache_bytes = 1 << 14});
    std::array<Pubkey, jobs_max> keys;
    std::array<Signature, jobs_max> signatures;
    std::vector<Ed25519Job> jobs;
    ByteReader reader(input);
    while (jobs.size() < jobs_max && reader.left() > 0) {
        const std::size_t i = jobs.size();
        const std::uint8_t mode = reader.u8();
        keys[i] = reader.fixed<Pubkey>();
        signatures[i] = reader.fixed<Signature>();
        const ByteView message = reader.bytes(std::min<std::size_t>(reader.left(), mode & 15));
        if ((mode & 0x30) != 0) { // three in four are good, or good but for one bit
            const auto key = InsecureSigningKey::from_seed(keys[i].view());
            keys[i] = key.pubkey;
            const std::uint8_t spoiled = signatures[i].bytes[0];
            const InsecureSignJob sign{&key, message, &signatures[i]};
            insecure_sign_many({&sign, 1});
            if ((mode & 0xC0) == 0xC0) {
                signatures[i].bytes[spoiled % 64] ^= 4;
            }
        }
        jobs.push_back({message, &keys[i], &signatures[i]});
    }
    std::array<bool, jobs_max> verdicts{};
    verifier.verify(jobs, std::span(verdicts).first(jobs.size()));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        BELFRY_CHECK(verdicts[i] == ed25519_verify(jobs[i]));
        BELFRY_CHECK(verdicts[i] == ed25519_verify_portable(jobs[i]));
    }
}

} // namespace
} // namespace belfry::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    belfry::crypto::check({data, size});
    return 0;
}
