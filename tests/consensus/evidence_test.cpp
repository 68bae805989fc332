// SPDX-License-Identifier: Apache-2.0
#include "consensus/evidence.hpp"
#include "tests/consensus/certificate_mesh.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace belfry::consensus {
namespace {

using testing::test_check;
using testing::test_signature;

constexpr ValidatorIndex liar{3};

Testimony testify(StatementKind kind, const Bytes& body, ValidatorIndex voter = liar)
{
    return {.kind = kind, .body = body, .signature = test_signature(voter, kind, body)};
}

Testimony said(const Statement& statement)
{
    const StatementBody body = encode_statement(statement);
    return testify(statement.kind, {body.view().begin(), body.view().end()}, statement.voter);
}

BlockName block(std::uint64_t slot, std::uint8_t version)
{
    BlockName name{.slot = Slot{slot}, .id = {}};
    name.id.bytes[0] = version;
    return name;
}

/// A tower that voted for these slots, one after the other.
TowerVote tower_vote(const std::vector<std::uint64_t>& slots, std::uint8_t version = 0)
{
    Tower tower;
    for (const std::uint64_t slot : slots) {
        (void)tower.push(Slot{slot});
    }
    return {.voter = liar,
            .tower = tower,
            .block_id = block(slots.back(), version).id,
            .state_hash = {}};
}

Testimony voted(const std::vector<std::uint64_t>& slots, std::uint8_t version = 0)
{
    Bytes body;
    encode_tower_vote(tower_vote(slots, version), body);
    return testify(StatementKind::tower_vote, body);
}

void expect_proof(const Testimony& one, const Testimony& other, EvidenceKind kind)
{
    const auto evidence = find_contradiction(one, other);
    ASSERT_TRUE(evidence);
    EXPECT_EQ(evidence->kind, kind);
    EXPECT_EQ(evidence->voter, liar);
    EXPECT_EQ(find_contradiction(other, one), evidence); // one form, whoever finds it
    Bytes bytes;
    encode_evidence(*evidence, bytes);
    EXPECT_LE(bytes.size(), evidence_bytes_max);
    const auto decoded = decode_evidence(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, *evidence);
    EXPECT_TRUE(verify_evidence(*decoded, test_check));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes changed = bytes;
        changed[i] ^= 1;
        const auto other_evidence = decode_evidence(changed);
        EXPECT_FALSE(other_evidence && verify_evidence(*other_evidence, test_check).has_value())
            << "byte " << i;
    }
}

TEST(Evidence, proves_two_blocks_notarized_in_a_slot)
{
    expect_proof(said(Statement::notarize(liar, block(5, 1))),
                 said(Statement::notarize(liar, block(5, 2))), EvidenceKind::two_notarizations);
    EXPECT_FALSE(find_contradiction(said(Statement::notarize(liar, block(5, 1))),
                                    said(Statement::notarize(liar, block(6, 2)))));
    EXPECT_FALSE(find_contradiction(said(Statement::notarize(liar, block(5, 1))),
                                    said(Statement::notarize(liar, block(5, 1)))));
}

TEST(Evidence, proves_a_slot_finalized_and_skipped)
{
    const auto skip = [](std::uint64_t first, std::uint64_t last) {
        return said(Statement::skip(liar, {.first = Slot{first}, .last = Slot{last}}));
    };
    expect_proof(said(Statement::finalize(liar, Slot{7})), skip(4, 7),
                 EvidenceKind::final_and_skip);
    EXPECT_FALSE(find_contradiction(said(Statement::finalize(liar, Slot{8})), skip(4, 7)));
    // Both of these are honest: late notarization, and a wider range.
    EXPECT_FALSE(find_contradiction(said(Statement::notarize(liar, block(5, 1))), skip(4, 7)));
    EXPECT_FALSE(find_contradiction(skip(4, 5), skip(4, 7)));
}

/// What it says is judged by signatures alone, not by what this node has seen: of a slot that is
/// long gone, that nobody has reached yet, or that no number is after, it is the same proof.
TEST(Evidence, of_any_slot_is_the_same_proof)
{
    for (const std::uint64_t slot :
         {std::uint64_t{1}, std::uint64_t{1} << 32U, std::uint64_t{1} << 62U}) {
        expect_proof(said(Statement::notarize(liar, block(slot, 1))),
                     said(Statement::notarize(liar, block(slot, 2))),
                     EvidenceKind::two_notarizations);
        expect_proof(said(Statement::finalize(liar, Slot{slot})),
                     said(Statement::skip(liar, {.first = Slot{slot}, .last = Slot{slot}})),
                     EvidenceKind::final_and_skip);
        expect_proof(voted({slot}, 1), voted({slot}, 2), EvidenceKind::two_votes);
    }
}

TEST(Evidence, names_nobody_for_what_two_validators_said)
{
    EXPECT_FALSE(find_contradiction(said(Statement::notarize(liar, block(5, 1))),
                                    said(Statement::notarize(ValidatorIndex{4}, block(5, 2)))));
}

TEST(Evidence, proves_two_blocks_voted_in_a_slot)
{
    expect_proof(voted({1, 2, 5}, 1), voted({1, 2, 5}, 2), EvidenceKind::two_votes);
}

TEST(Evidence, proves_a_vote_while_another_still_bound)
{
    // 4 binds until 6, and the other tower votes 6 without it.
    expect_proof(voted({1, 4}), voted({1, 6}), EvidenceKind::two_votes);
    // From 7 on that is allowed.
    EXPECT_FALSE(find_contradiction(voted({1, 4}), voted({1, 7})));
    // A vote from before the older one, which that one lacks.
    expect_proof(voted({1, 5}), voted({1, 4, 6}), EvidenceKind::two_votes);
}

/// Exhaustive over a small domain: honest histories never contradict themselves.
TEST(Evidence, never_accuses_an_honest_tower)
{
    constexpr std::uint64_t slot_count = 13;
    for (std::uint64_t votes = 1; votes < 1U << slot_count; ++votes) {
        std::vector<TowerVote> history;
        std::vector<std::uint64_t> slots;
        for (std::uint64_t slot = 0; slot < slot_count; ++slot) {
            if ((votes >> slot & 1U) != 0) {
                slots.push_back(slot + 1);
                history.push_back(tower_vote(slots));
            }
        }
        for (std::size_t i = 0; i < history.size(); ++i) {
            ASSERT_FALSE(contradicts(history[i], history.back())) << votes << " from " << i;
        }
    }
}

TEST(Evidence, never_accuses_a_tower_that_has_rooted)
{
    std::vector<std::uint64_t> slots;
    std::vector<TowerVote> history;
    for (std::uint64_t i = 0; i < 120; ++i) {
        // Gaps of all small lengths, and now and then a long one.
        const std::uint64_t gap = i % 40 == 39 ? 60 : 1 + i * i % 3;
        slots.push_back((slots.empty() ? 0 : slots.back()) + gap);
        history.push_back(tower_vote(slots));
    }
    for (const TowerVote& one : history) {
        for (const TowerVote& other : history) {
            ASSERT_FALSE(contradicts(one, other));
        }
    }
}

} // namespace
} // namespace belfry::consensus
