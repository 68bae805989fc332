// SPDX-License-Identifier: Apache-2.0
#include "consensus/evidence.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace belfry::consensus {

namespace {

struct Read {
    std::optional<TowerVote> vote;
    Statement statement; // when it is no vote
    [[nodiscard]] ValidatorIndex voter() const { return vote ? vote->voter : statement.voter; }
    [[nodiscard]] Slot slot() const { return vote ? vote->block().slot : statement.first; }
};

std::optional<Read> read(const Testimony& testimony)
{
    if (testimony.kind == StatementKind::tower_vote) {
        const auto vote = decode_tower_vote(testimony.body);
        return vote ? std::optional{Read{.vote = *vote, .statement = {}}} : std::nullopt;
    }
    const auto statement = decode_statement(testimony.kind, testimony.body);
    return statement ? std::optional{Read{.vote = std::nullopt, .statement = *statement}}
                     : std::nullopt;
}

bool holds(std::span<const Lockout> entries, Slot slot)
{
    return std::ranges::binary_search(entries, slot, {}, &Lockout::slot);
}

/// Whether the newer tower cannot come from the older one, whose top is below the newer's.
bool cannot_follow(const Tower& older, const Tower& newer)
{
    const Slot top = older.top().slot;
    const auto above_root =
        std::ranges::upper_bound(newer.entries(), older.root(), {}, &Lockout::slot);
    const auto at_top = std::ranges::lower_bound(newer.entries(), top, {}, &Lockout::slot);
    const std::span made_before(above_root, std::max(above_root, at_top));
    if (!std::ranges::includes(older.entries(), made_before, {}, &Lockout::slot, &Lockout::slot)) {
        return true; // whoever has one now had it then
    }
    const auto later = std::ranges::upper_bound(newer.entries(), top, {}, &Lockout::slot);
    // What bound the first vote after the older tower may not be gone.
    return std::ranges::any_of(older.entries(), [&](const Lockout& entry) {
        const bool bound = later->slot <= entry.expiry() && entry.slot > newer.root();
        return bound && !holds(newer.entries(), entry.slot);
    });
}

std::optional<EvidenceKind> contradiction(const Read& one, const Read& other)
{
    if (one.vote && other.vote) {
        return contradicts(*one.vote, *other.vote) ? std::optional{EvidenceKind::two_votes}
                                                   : std::nullopt;
    }
    if (one.vote || other.vote) {
        return std::nullopt;
    }
    const Statement& first = one.statement;
    const Statement& second = other.statement;
    if (first.kind == StatementKind::notarize && second.kind == StatementKind::notarize) {
        const bool two = first.first == second.first && first.id != second.id;
        return two ? std::optional{EvidenceKind::two_notarizations} : std::nullopt;
    }
    if (first.kind == StatementKind::skip && second.kind == StatementKind::finalize) {
        return first.covers(second.first) ? std::optional{EvidenceKind::final_and_skip}
                                          : std::nullopt;
    }
    return std::nullopt;
}

bool in_order(const Testimony& one, const Testimony& other)
{
    return one.kind != other.kind ? one.kind < other.kind : one.body < other.body;
}

void encode(const Testimony& testimony, ByteWriter& writer)
{
    writer.u8(static_cast<std::uint8_t>(testimony.kind));
    writer.u16(static_cast<std::uint16_t>(testimony.body.size()));
    writer.bytes(testimony.body);
    writer.bytes(testimony.signature.view());
}

Testimony decode(ByteReader& reader)
{
    Testimony testimony;
    testimony.kind = static_cast<StatementKind>(reader.u8());
    const ByteView body = reader.bytes(reader.u16());
    testimony.body.assign(body.begin(), body.end());
    testimony.signature = reader.fixed<Signature>();
    return testimony;
}

} // namespace

Slot Evidence::slot() const
{
    const auto one = read(first);
    const auto other = read(second);
    BELFRY_CHECK(one && other);
    // A skip may begin far below the slot that was finalized.
    return kind == EvidenceKind::final_and_skip ? other->slot()
                                                : std::min(one->slot(), other->slot());
}

bool contradicts(const TowerVote& one, const TowerVote& other)
{
    if (one.voter != other.voter) {
        return false;
    }
    const Slot first = one.block().slot;
    const Slot second = other.block().slot;
    if (first == second) {
        return one.block_id != other.block_id;
    }
    return first < second ? cannot_follow(one.tower, other.tower)
                          : cannot_follow(other.tower, one.tower);
}

std::optional<Evidence> find_contradiction(const Testimony& one, const Testimony& other)
{
    const bool swap = in_order(other, one);
    const Testimony& first = swap ? other : one;
    const Testimony& second = swap ? one : other;
    const auto first_read = read(first);
    const auto second_read = read(second);
    if (!first_read || !second_read || first_read->voter() != second_read->voter()) {
        return std::nullopt;
    }
    const std::optional<EvidenceKind> kind = contradiction(*first_read, *second_read);
    if (!kind) {
        return std::nullopt;
    }
    return Evidence{.kind = *kind, .voter = first_read->voter(), .first = first, .second = second};
}

void encode_evidence(const Evidence& evidence, Bytes& out)
{
    ByteWriter writer(out);
    writer.u8(static_cast<std::uint8_t>(evidence.kind));
    writer.u16(evidence.voter.value);
    encode(evidence.first, writer);
    encode(evidence.second, writer);
}

Result<Evidence, EvidenceError> decode_evidence(ByteView bytes)
{
    ByteReader reader(bytes);
    const auto kind = static_cast<EvidenceKind>(reader.u8());
    const ValidatorIndex voter{reader.u16()};
    if (bytes.size() > evidence_bytes_max) {
        return std::unexpected(EvidenceError::wrong_length);
    }
    const Testimony first = decode(reader);
    const Testimony second = decode(reader);
    if (!reader.finished()) {
        return std::unexpected(EvidenceError::wrong_length);
    }
    const auto first_read = read(first);
    const auto second_read = read(second);
    if (!first_read || !second_read || first_read->voter() != voter ||
        second_read->voter() != voter) {
        return std::unexpected(EvidenceError::wrong_statement);
    }
    if (!in_order(first, second)) {
        return std::unexpected(EvidenceError::wrong_order);
    }
    const std::optional<EvidenceKind> found = contradiction(*first_read, *second_read);
    if (!found) {
        return std::unexpected(EvidenceError::no_contradiction);
    }
    if (*found != kind) {
        return std::unexpected(EvidenceError::wrong_kind);
    }
    return Evidence{.kind = kind, .voter = voter, .first = first, .second = second};
}

Result<void, EvidenceError> verify_evidence(const Evidence& evidence, const SignatureCheck& check)
{
    const std::optional<Evidence> found = find_contradiction(evidence.first, evidence.second);
    if (!found || found->kind != evidence.kind || found->voter != evidence.voter) {
        return std::unexpected(EvidenceError::no_contradiction);
    }
    for (const Testimony* testimony : {&evidence.first, &evidence.second}) {
        if (!check(evidence.voter, testimony->kind, testimony->body, testimony->signature)) {
            return std::unexpected(EvidenceError::wrong_signature);
        }
    }
    return {};
}

} // namespace belfry::consensus
