// SPDX-License-Identifier: Apache-2.0
#pragma once
// statement.hpp: the three small signed statements that certificates are made of.
// Shapes   little-endian bodies; the kind travels beside them (StatementKind):
//            notarize  u16 voter | u64 slot | 32 block id        I replayed it, its parent is ready
//            skip      u16 voter | u64 first slot | u64 last     I do without a block in these
//            finalize  u16 voter | u64 slot                      and I never skip this slot
// Bounds   a skip names at most skip_slots_max slots. Slot 0 is genesis: nothing is said of it.
// Errors   StatementError, for every body that no honest validator makes.
// Signed   by the node; the datagram that carries a body says over which bytes. The kind is among
//          them, or one statement could pass for another.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "consensus/block_name.hpp"
#include "consensus/engine.hpp"
#include "consensus/validator_index.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace belfry::consensus {

inline constexpr std::uint64_t skip_slots_max = 1024;
inline constexpr std::size_t statement_bytes_max = 2 + 8 + 32;

enum class StatementError : std::uint8_t {
    wrong_kind,
    wrong_length,
    unknown_voter, // an index that no roster has
    genesis_slot,
    wrong_range, // ends before it begins, or is too long
};

struct Statement {
    StatementKind kind = StatementKind::skip;
    ValidatorIndex voter;
    Slot first; // the slot of a notarize or finalize
    Slot last;  // the same but for a skip
    Hash id;    // of the block, notarize only

    [[nodiscard]] static Statement notarize(ValidatorIndex voter, const BlockName& block);
    struct Range {
        Slot first;
        Slot last;
    };
    [[nodiscard]] static Statement skip(ValidatorIndex voter, const Range& range);
    [[nodiscard]] static Statement finalize(ValidatorIndex voter, Slot slot);
    [[nodiscard]] bool covers(Slot slot) const { return first <= slot && slot <= last; }
    [[nodiscard]] BlockName block() const { return {.slot = first, .id = id}; }
    friend bool operator==(const Statement&, const Statement&) = default;
};

struct SignedStatement {
    Statement statement;
    Signature signature;
    friend bool operator==(const SignedStatement&, const SignedStatement&) = default;
};

/// A body without a heap.
struct StatementBody {
    std::array<std::uint8_t, statement_bytes_max> bytes{};
    std::size_t count = 0;
    /// Valid as long as this object.
    [[nodiscard]] ByteView view() const { return {bytes.data(), count}; }
};

/// What decode_statement would give back.
[[nodiscard]] bool well_formed(const Statement& statement);
/// Precondition: well_formed(statement).
[[nodiscard]] StatementBody encode_statement(const Statement& statement);
[[nodiscard]] Result<Statement, StatementError> decode_statement(StatementKind kind, ByteView body);

} // namespace belfry::consensus
