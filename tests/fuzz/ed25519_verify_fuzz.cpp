// SPDX-License-Identifier: Apache-2.0
// ed25519_verify_fuzz: one signature, honest or with points of small order mixed in, encodings that
// are not canonical, S beyond the order, or any bytes: the verdict is that of the equation of
// ZIP-215 in OpenSSL's integers, whoever gives it.
// Input    u8 how | u8 torsion of A, of R | u8 what is changed | seed.
#include "base/check.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_kernel_choice.hpp"
#include "tests/crypto/ed25519_cases.hpp"

#include <algorithm>
#include <map>

namespace {

using namespace belfry;                  // NOLINT(google-build-using-namespace)
using namespace belfry::crypto;          // NOLINT(google-build-using-namespace)
using namespace belfry::crypto::testing; // NOLINT(google-build-using-namespace)

/// Making them takes four slow multiplications: each kind is made once.
const SignatureCase& mixed(std::uint64_t key_torsion, std::uint64_t r_torsion, std::uint64_t seed)
{
    static std::map<std::array<std::uint64_t, 3>, SignatureCase> made;
    const auto found = made.find({key_torsion, r_torsion, seed});
    if (found != made.end()) {
        return found->second;
    }
    CaseMaker maker(seed);
    return made
        .emplace(std::array{key_torsion, r_torsion, seed},
                 maker.with_torsion(key_torsion, r_torsion))
        .first->second;
}

SignatureCase drawn(ByteReader& in)
{
    static const std::vector<Bytes32> small = small_order_encodings();
    const std::uint8_t how = in.u8();
    const std::uint8_t key_choice = in.u8();
    const std::uint8_t r_choice = in.u8();
    SignatureCase made;
    if (how < 128) {
        made = mixed(key_choice % 8, r_choice % 8, how % 4);
    } else if (how < 160) {
        made = CaseMaker(how).small_order(small[key_choice % small.size()],
                                          small[r_choice % small.size()]);
    } else {
        made.key = in.fixed<Pubkey>();
        made.signature = in.fixed<Signature>();
    }
    if (how % 2 == 1) { // a few changed bits
        const std::size_t at = in.u8() % 96;
        std::uint8_t& byte = at < 32 ? made.key.bytes[at] : made.signature.bytes[at - 32];
        byte ^= in.u8();
    }
    if (how % 8 >= 6) { // S + L
        const Big s = Big::little_endian(made.signature.view().last(32));
        Big more;
        BN_add(more.get(), s.get(), group_order().value().get());
        const Bytes32 bytes = more.to_32_bytes();
        std::ranges::copy(bytes, made.signature.bytes.begin() + 32);
    }
    const ByteView rest = in.bytes(std::min<std::size_t>(in.left(), 40));
    made.message.insert(made.message.end(), rest.begin(), rest.end());
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    ByteReader in(ByteView(data, size));
    const SignatureCase made = drawn(in);
    const bool expected = slow_verify(made.key.view(), made.message, made.signature.view());
    const Ed25519Job job = made.job();
    BELFRY_CHECK(ed25519_verify(job) == expected);
    BELFRY_CHECK(ed25519_verify_portable(job) == expected);
    static Ed25519BatchVerifier verifier({.jobs_max = 4, .key_cache_bytes = 1 << 14});
    const std::array jobs{job, job, job};
    std::array<bool, 3> verdicts{};
    verifier.verify(jobs, verdicts);
    BELFRY_CHECK(std::ranges::count(verdicts, expected) == 3);
    return 0;
}
