// SPDX-License-Identifier: Apache-2.0
#pragma once
// certificate.hpp: proof that more than two thirds of stake said one thing about one slot.
// Shapes   little-endian:
//            u8 scheme | u8 kind | u64 slot | notarize only: 32 block id
//            u8 bitmap length (1..32) | bitmap, voter v is bit v % 8 of byte v / 8
//            scheme 1, one signature for each voter, rising:
//              skip only: u64 first, u64 last of the range it signed | 64 signature
//          The scheme byte is where an aggregate signature would come in: everything after the
//          bitmap belongs to it, and nobody but decode, encode and verify looks there.
// Rule     a final certificate together with the notarization certificate of its slot makes that
//          block and all its ancestors final.
// Bounds   certificate_bytes_max. About 6.5 KB for 100 voters: too much for a datagram, so
//          certificates travel as vote bundles, and whole only inside blocks and in storage.
// Errors   CertificateError.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/validator_index.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace belfry::consensus {

inline constexpr std::size_t certificate_bytes_max =
    1 + 1 + 8 + 32 + 1 + validator_count_max / 8 +
    validator_count_max * (std::size_t{2} * 8 + Signature::size_bytes);

enum class CertificateError : std::uint8_t {
    wrong_scheme,
    wrong_kind,
    wrong_length,
    wrong_bitmap,    // empty, too long, or its last byte is zero
    wrong_statement, // of genesis, or a skip range without the slot
    unknown_voter,   // has no stake
    too_little_stake,
    wrong_signature,
};

/// Whether voter signed kind and body. The node, which has keys and the genesis hash, gives it.
using SignatureCheck = std::function<bool(ValidatorIndex voter, StatementKind kind, ByteView body,
                                          const Signature& signature)>;

struct Certificate {
    StatementKind kind = StatementKind::skip;
    Slot slot;
    Hash id;                            // notarize only
    std::vector<SignedStatement> votes; // voters rise

    [[nodiscard]] BlockName block() const { return {.slot = slot, .id = id}; }
    [[nodiscard]] ValidatorSet voters() const;
    friend bool operator==(const Certificate&, const Certificate&) = default;
};

/// Appends to out. Precondition: at least one vote, all of this kind, slot and id, voters rising.
void encode_certificate(const Certificate& certificate, Bytes& out);
/// What the bytes say, not that it is true.
[[nodiscard]] Result<Certificate, CertificateError> decode_certificate(ByteView bytes);
/// That it is true: more than two thirds of these stakes, and every signature.
[[nodiscard]] Result<void, CertificateError> verify_certificate(const Certificate& certificate,
                                                                const StakeTable& stakes,
                                                                const SignatureCheck& check);

} // namespace belfry::consensus
