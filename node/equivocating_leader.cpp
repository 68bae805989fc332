// SPDX-License-Identifier: Apache-2.0
#include "node/equivocating_leader.hpp"

#include "base/check.hpp"
#include "ledger/model/entry.hpp"

#include <array>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::array<std::uint8_t, 6> no_certificate{'s', 'e', 'c', 'o', 'n', 'd'};
constexpr std::size_t footer_state_hash_offset = 1 + 8;

/// The last piece of the stream, which ends with a whole footer, as the second version has it.
Bytes changed(const OwnStream& own)
{
    BELFRY_CHECK(own.piece.size() >= ledger::entry_footer_bytes);
    const auto footer = own.piece.end() - static_cast<std::ptrdiff_t>(ledger::entry_footer_bytes);
    Bytes second(own.piece.begin(), footer);
    if (EquivocatingLeader::second_is_valid(own.slot)) {
        ledger::EntryWriter(second).certificate(no_certificate);
    }
    const std::size_t footer_at = second.size();
    second.insert(second.end(), footer, own.piece.end());
    if (!EquivocatingLeader::second_is_valid(own.slot)) {
        second[footer_at + footer_state_hash_offset] ^= 1U;
    }
    return second;
}

} // namespace

std::vector<dataplane::SetOut> EquivocatingLeader::push(const OwnStream& own)
{
    if (shredder_ == nullptr || slot_ != own.slot) {
        slot_ = own.slot;
        shredder_ = std::make_unique<dataplane::Shredder>(
            dataplane::Shredder::Options{
                .genesis = genesis_, .slot = own.slot, .parent = own.parent},
            key_);
    }
    const Bytes piece = own.last ? changed(own) : own.piece;
    if (piece.size() > shredder_->stream_bytes_left()) {
        shredder_.reset();
        return {};
    }
    std::vector<dataplane::SetOut> sets = shredder_->push(piece);
    if (own.last) {
        sets.push_back(shredder_->finish());
        shredder_.reset();
    }
    return sets;
}

} // namespace belfry::node
