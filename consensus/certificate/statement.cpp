// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/statement.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <optional>

namespace belfry::consensus {

namespace {

void put(StatementBody& body, std::uint64_t value, unsigned byte_count)
{
    for (unsigned i = 0; i < byte_count; ++i) {
        body.bytes[body.count++] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

std::optional<StatementError> refuse(const Statement& statement)
{
    if (statement.voter.value >= validator_count_max) {
        return StatementError::unknown_voter;
    }
    if (statement.first == Slot{}) {
        return StatementError::genesis_slot;
    }
    if (statement.last < statement.first ||
        statement.last.value - statement.first.value >= skip_slots_max) {
        return StatementError::wrong_range;
    }
    return std::nullopt;
}

} // namespace

Statement Statement::notarize(ValidatorIndex voter, const BlockName& block)
{
    return {.kind = StatementKind::notarize,
            .voter = voter,
            .first = block.slot,
            .last = block.slot,
            .id = block.id};
}

Statement Statement::skip(ValidatorIndex voter, const Range& range)
{
    return {.kind = StatementKind::skip,
            .voter = voter,
            .first = range.first,
            .last = range.last,
            .id = {}};
}

Statement Statement::finalize(ValidatorIndex voter, Slot slot)
{
    return {.kind = StatementKind::finalize, .voter = voter, .first = slot, .last = slot, .id = {}};
}

bool well_formed(const Statement& statement)
{
    const bool ranged = statement.kind == StatementKind::skip;
    const bool named = statement.kind == StatementKind::notarize;
    return statement.kind != StatementKind::tower_vote && !refuse(statement) &&
           (ranged || statement.first == statement.last) && (named || statement.id == Hash{});
}

StatementBody encode_statement(const Statement& statement)
{
    BELFRY_CHECK(well_formed(statement));
    StatementBody body;
    put(body, statement.voter.value, 2);
    put(body, statement.first.value, 8);
    if (statement.kind == StatementKind::skip) {
        put(body, statement.last.value, 8);
    }
    if (statement.kind == StatementKind::notarize) {
        std::ranges::copy(statement.id.bytes, body.bytes.begin() + 10);
        body.count += Hash::size_bytes;
    }
    return body;
}

Result<Statement, StatementError> decode_statement(StatementKind kind, ByteView body)
{
    if (kind != StatementKind::notarize && kind != StatementKind::skip &&
        kind != StatementKind::finalize) {
        return std::unexpected(StatementError::wrong_kind);
    }
    ByteReader reader(body);
    Statement statement{.kind = kind, .voter = {}, .first = {}, .last = {}, .id = {}};
    statement.voter = ValidatorIndex{reader.u16()};
    statement.first = Slot{reader.u64()};
    statement.last = kind == StatementKind::skip ? Slot{reader.u64()} : statement.first;
    if (kind == StatementKind::notarize) {
        statement.id = reader.fixed<Hash>();
    }
    if (!reader.finished()) {
        return std::unexpected(StatementError::wrong_length);
    }
    if (const auto error = refuse(statement)) {
        return std::unexpected(*error);
    }
    return statement;
}

} // namespace belfry::consensus
