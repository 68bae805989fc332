// SPDX-License-Identifier: Apache-2.0
// Vote bodies and journal records from anywhere: refused, or one encoding and no other; and an
// engine that hears them keeps all its invariants.
#include "base/check.hpp"
#include "consensus/tower/tower_engine.hpp"
#include "consensus/tower/tower_journal.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belfry::consensus; // NOLINT(google-build-using-namespace): one small program
using belfry::Bytes;
using belfry::ByteView;
using belfry::Stake;

void feed_engine(const TowerVote& vote, ByteView body)
{
    constexpr std::array stakes{Stake{1}, Stake{1}, Stake{1}, Stake{1}};
    TowerEngine engine({.self = ValidatorIndex{0}, .finalized = {}, .may_sign = true});
    Effects effects;
    engine.step({}, EpochInfo{.number = {}, .first_slot = {}, .stakes = stakes, .schedule = {}},
                effects);
    // The block that the vote names, when it may be held at all, before or after the vote.
    const Ready ready{.block = vote.block(),
                      .parent = {},
                      .validity = Validity::valid,
                      .state_hash = vote.state_hash,
                      .author = {}};
    const bool block_first = vote.state_hash.bytes[0] % 2 == 0;
    for (const bool give_block : {block_first, !block_first}) {
        effects.clear();
        if (give_block) {
            engine.step({}, ready, effects);
        } else {
            engine.step({}, VoteMessage{.from = vote.voter, .body = body}, effects);
        }
    }
    BELFRY_CHECK(!engine.check().has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{data, size};
    if (const auto vote = decode_tower_vote(bytes)) {
        Bytes again;
        encode_tower_vote(*vote, again);
        BELFRY_CHECK(std::ranges::equal(again, bytes));
        feed_engine(*vote, bytes);
    }
    if (const auto record = decode_tower_record(bytes)) {
        Bytes again;
        encode_tower_record(*record, again);
        BELFRY_CHECK(std::ranges::equal(again, bytes));
    }
    return 0;
}
