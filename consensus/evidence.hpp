// SPDX-License-Identifier: Apache-2.0
#pragma once
// evidence.hpp: proof, for anyone with the roster, that a validator signed two things of which an
// honest one signs at most one.
// Shapes   little-endian: u8 kind | u16 voter | 2 x (u8 statement kind | u16 length | body |
//          64 signature). The two stand in one order: lower statement kind first, then lower bytes.
// Rules    two_votes      two tower votes of one slot and different blocks; or of two slots where
//                           the newer tower cannot follow from the older: it holds a vote made
//                           while an entry still bound that it does not have, or one from before
//                           the older vote which the older tower lacks
//          two_notarizations  two notarize of one slot and different blocks
//          final_and_skip   finalize of a slot and a skip over it
//          Two blocks in one slot are proven by two shreds, by the data plane; their kind is kept
//          free here.
// Bounds   evidence_bytes_max.
// Errors   EvidenceError.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "consensus/certificate/certificate.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace belfry::consensus {

enum class EvidenceKind : std::uint8_t {
    two_votes = 1,
    two_notarizations = 2,
    final_and_skip = 3,
    two_blocks = 4, // never in this form
};

inline constexpr std::size_t evidence_bytes_max =
    1 + 2 + 2 * (1 + 2 + tower_vote_bytes_max + Signature::size_bytes);

enum class EvidenceError : std::uint8_t {
    wrong_kind,
    wrong_length,
    wrong_statement, // a body that its decoder refuses, or of another voter
    no_contradiction,
    wrong_order,
    wrong_signature,
};

/// One signed body as it was on the wire.
struct Testimony {
    StatementKind kind = StatementKind::tower_vote;
    Bytes body;
    Signature signature;
    friend bool operator==(const Testimony&, const Testimony&) = default;
};

struct Evidence {
    EvidenceKind kind = EvidenceKind::two_votes;
    ValidatorIndex voter;
    Testimony first;
    Testimony second;
    /// The slot it is about: the lower of two.
    [[nodiscard]] Slot slot() const;
    friend bool operator==(const Evidence&, const Evidence&) = default;
};

/// What the two say together; nullopt when an honest validator may have said both. The order of the
/// two does not matter.
[[nodiscard]] std::optional<Evidence> find_contradiction(const Testimony& one,
                                                         const Testimony& other);
/// Whether both towers cannot be one validator's.
[[nodiscard]] bool contradicts(const TowerVote& one, const TowerVote& other);

/// Appends to out. Precondition: evidence came from find_contradiction or decode_evidence.
void encode_evidence(const Evidence& evidence, Bytes& out);
/// Bodies that contradict each other; the signatures are not looked at.
[[nodiscard]] Result<Evidence, EvidenceError> decode_evidence(ByteView bytes);
[[nodiscard]] Result<void, EvidenceError> verify_evidence(const Evidence& evidence,
                                                          const SignatureCheck& check);

} // namespace belfry::consensus
