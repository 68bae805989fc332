// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/shred/shredder.hpp"
#include "tests/dataplane/forged_shreds.hpp"

#include <gtest/gtest.h>

#include <set>

namespace belfry::dataplane {
namespace {

using samples::ForgedShred;
using samples::honest_rows;
using samples::Random;
using samples::SampleBlock;
using samples::sign_rows;

std::optional<CompletedSet> feed(FecResolver& resolver, const SetDatagrams& shreds,
                                 std::span<const std::uint8_t> indexes)
{
    std::optional<CompletedSet> completed;
    for (const std::uint8_t index : indexes) {
        auto accepted = resolver.accept(shreds.at(index), {});
        EXPECT_TRUE(accepted.has_value()) << "shred " << int{index};
        if (accepted && accepted->completed) {
            EXPECT_FALSE(completed.has_value()) << "completed twice";
            completed = std::move(accepted->completed);
        }
    }
    return completed;
}

ShredError error_of(const Result<Accepted, ShredError>& result)
{
    return result ? ShredError::count : result.error();
}

TEST(FecResolver, rebuilds_a_set_from_any_32_of_its_64_shreds)
{
    Random random(21);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 32'768));
    std::vector<std::vector<std::uint8_t>> patterns;
    for (const int begin : {0, 32, 16, 1, 31}) { // runs: all data, all parity, across the border
        std::vector<std::uint8_t> run;
        for (int i = 0; i < 32; ++i) {
            run.push_back(static_cast<std::uint8_t>(begin + i));
        }
        patterns.push_back(run);
        std::ranges::reverse(run);
        patterns.push_back(run);
    }
    for (const unsigned phase : {0U, 1U}) { // every second one
        std::vector<std::uint8_t> comb;
        for (unsigned i = phase; i < 64; i += 2) {
            comb.push_back(static_cast<std::uint8_t>(i));
        }
        patterns.push_back(comb);
    }
    for (int i = 0; i < 300; ++i) {
        auto some = samples::shuffled_indexes(random, 64);
        some.resize(32);
        patterns.push_back(some);
    }
    for (const auto& pattern : patterns) {
        FecResolver resolver(samples::resolver_options(leader.pubkey()));
        const auto but_one = std::span{pattern}.first(31);
        EXPECT_FALSE(feed(resolver, block.sets[0].datagrams, but_one).has_value());
        const auto completed =
            feed(resolver, block.sets[0].datagrams, std::span{pattern}.subspan(31));
        ASSERT_TRUE(completed.has_value());
        EXPECT_EQ(completed->set, block.sets[0].set);
        EXPECT_EQ(completed->recovered,
                  std::ranges::any_of(pattern, [](std::uint8_t index) { return index >= 32; }));
        EXPECT_EQ(resolver.open_bytes(), 0U);
        EXPECT_EQ(resolver.counters().signatures_checked, 1U) << "once per root";
    }
}

TEST(FecResolver, rebuilds_sets_of_every_size_from_any_k_shreds)
{
    Random random(22);
    const crypto::Keypair leader = samples::keypair(1);
    std::uint64_t slot = 0;
    for (std::size_t k = 1; k <= data_rows_max; ++k) {
        for (const std::size_t size : {(k - 1) * row_bytes + 1, k * row_bytes - 1, k * row_bytes}) {
            const SampleBlock block =
                samples::make_block(leader, Slot{++slot}, samples::genesis_block(),
                                    samples::random_bytes(random, size));
            const SetDatagrams& shreds = block.sets[0].datagrams;
            FecResolver resolver(samples::resolver_options(leader.pubkey()));
            resolver.set_window(Slot{0}, Slot{slot});
            auto some = samples::shuffled_indexes(random, shreds.count());
            some.resize(k);
            const auto completed = feed(resolver, shreds, some);
            ASSERT_TRUE(completed.has_value()) << size;
            EXPECT_EQ(completed->set, block.sets[0].set);
        }
    }
}

TEST(FecResolver, says_at_most_once_that_a_shred_is_to_be_passed_on)
{
    Random random(23);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 9000));
    const SetDatagrams& shreds = block.sets[0].datagrams; // 9 data, 9 parity
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    std::map<std::uint8_t, int> passed_on;
    for (int copy = 0; copy < 3; ++copy) {
        for (const std::uint8_t index : samples::shuffled_indexes(random, shreds.count())) {
            const auto accepted = resolver.accept(shreds.at(index), {});
            if (accepted && accepted->retransmit) {
                ++passed_on[index];
            } else {
                EXPECT_EQ(error_of(accepted), ShredError::duplicate);
            }
        }
    }
    // Also those that came after the set was whole; none was made up from rebuilt rows.
    EXPECT_EQ(passed_on.size(), 18U);
    EXPECT_TRUE(
        std::ranges::all_of(passed_on, [](const auto& entry) { return entry.second == 1; }));
}

TEST(FecResolver, does_not_pass_on_what_came_by_repair)
{
    Random random(24);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 1500));
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    const auto first =
        resolver.accept(block.sets[0].datagrams.at(3), {.source = ShredSource::repair});
    ASSERT_TRUE(first.has_value());
    EXPECT_FALSE(first->retransmit);
    const auto second = resolver.accept(block.sets[0].datagrams.at(0), {});
    ASSERT_TRUE(second.has_value());
    EXPECT_TRUE(second->retransmit);
    ASSERT_TRUE(second->completed.has_value());
    EXPECT_TRUE(second->completed->repaired);
}

TEST(FecResolver, refuses_a_signed_set_whose_parity_belongs_to_other_data)
{
    Random random(25);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 5 * row_bytes));
    std::vector<ForgedShred> rows = honest_rows(block.sets[0]);
    rows[7].row[100] ^= 1; // a parity row
    const std::vector<Bytes> shreds = sign_rows(leader, rows);
    // Whichever five come first, with the bad row or without: the verdict is the same.
    for (int round = 0; round < 50; ++round) {
        FecResolver resolver(samples::resolver_options(leader.pubkey()));
        auto order = samples::shuffled_indexes(random, shreds.size());
        for (std::size_t i = 0; i < 4; ++i) {
            EXPECT_TRUE(resolver.accept(shreds[order[i]], {}).has_value());
        }
        EXPECT_EQ(error_of(resolver.accept(shreds[order[4]], {})), ShredError::malformed_set);
        EXPECT_EQ(error_of(resolver.accept(shreds[order[5]], {})), ShredError::malformed_set);
        EXPECT_EQ(resolver.open_bytes(), 0U);
    }
}

TEST(FecResolver, refuses_a_signed_set_with_bytes_behind_its_stream)
{
    Random random(26);
    const crypto::Keypair leader = samples::keypair(1);
    // Rows and parity are one codeword, but the header says that the stream ends earlier.
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 3 * row_bytes));
    std::vector<ForgedShred> rows = honest_rows(block.sets[0]);
    for (ForgedShred& row : rows) {
        row.header.stream_bytes = 3 * row_bytes - 10;
    }
    const std::vector<Bytes> shreds = sign_rows(leader, rows);
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    EXPECT_TRUE(resolver.accept(shreds[0], {}).has_value());
    EXPECT_TRUE(resolver.accept(shreds[1], {}).has_value());
    EXPECT_EQ(error_of(resolver.accept(shreds[2], {})), ShredError::malformed_set);
}

TEST(FecResolver, refuses_a_signed_set_whose_shreds_disagree_in_the_header)
{
    Random random(27);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block =
        samples::make_block(leader, Slot{5}, {Slot{3}, samples::random_hash(random)},
                            samples::random_bytes(random, 3 * row_bytes));
    std::vector<ForgedShred> rows = honest_rows(block.sets[0]);
    rows[6].header.parent_slot = Slot{4};
    const std::vector<Bytes> shreds = sign_rows(leader, rows);
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    EXPECT_TRUE(resolver.accept(shreds[0], {}).has_value());
    EXPECT_EQ(error_of(resolver.accept(shreds[6], {})), ShredError::malformed_set);
    EXPECT_EQ(error_of(resolver.accept(shreds[1], {})), ShredError::malformed_set);
}

/// A proof says where a row stands, not only that it is there: a signed row that claims another
/// place than its proof shows is nobody's row, and is not passed on.
TEST(FecResolver, refuses_a_signed_row_that_claims_the_place_of_another)
{
    Random random(31);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 9000));
    const std::vector<ForgedShred> rows = honest_rows(block.sets[0]);
    const std::vector<Bytes> swapped = sign_rows(leader, rows, {{3, 4}, {4, 3}});
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    for (const std::size_t place : {std::size_t{3}, std::size_t{4}}) {
        EXPECT_EQ(error_of(resolver.accept(swapped[place], {})), ShredError::bad_signature);
    }
    EXPECT_TRUE(resolver.accept(swapped[5], {}).has_value()); // its own place, of the same tree
    const std::vector<Bytes> twice = sign_rows(leader, rows, {{3, 5}});
    EXPECT_EQ(error_of(resolver.accept(twice[3], {})), ShredError::bad_signature);
    EXPECT_TRUE(resolver.accept(twice[5], {}).has_value());
}

TEST(FecResolver, keeps_the_versions_of_an_equivocating_leader_apart)
{
    Random random(28);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock one = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                samples::random_bytes(random, 4000));
    const SampleBlock two = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                samples::random_bytes(random, 4000));
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    int evidence_count = 0;
    std::vector<ledger::ShredSet> completed;
    for (std::size_t i = 0; i < one.sets[0].datagrams.count(); ++i) {
        for (const SampleBlock* block : {&one, &two}) {
            auto accepted = resolver.accept(block->sets[0].datagrams.at(i), {});
            ASSERT_TRUE(accepted.has_value());
            EXPECT_TRUE(accepted->retransmit) << "both versions must spread";
            if (accepted->completed) {
                completed.push_back(accepted->completed->set);
            }
            if (accepted->equivocation) {
                ++evidence_count;
                EXPECT_EQ(accepted->equivocation->kind, Equivocation::Kind::two_roots);
                // The evidence stands alone: a resolver that knows nothing accepts both shreds.
                FecResolver stranger(samples::resolver_options(leader.pubkey()));
                const auto first = stranger.accept(accepted->equivocation->first, {});
                const auto second = stranger.accept(accepted->equivocation->second, {});
                ASSERT_TRUE(first.has_value() && second.has_value());
                EXPECT_EQ(first->set.set_index, second->set.set_index);
                EXPECT_NE(first->set.root, second->set.root);
            }
        }
    }
    EXPECT_EQ(evidence_count, 1) << "one piece per slot";
    ASSERT_EQ(completed.size(), 2U);
    EXPECT_EQ(completed[0], one.sets[0].set);
    EXPECT_EQ(completed[1], two.sets[0].set);
}

TEST(FecResolver, gives_evidence_of_a_broken_chain_a_second_parent_and_sets_beyond_the_last)
{
    Random random(29);
    const crypto::Keypair leader = samples::keypair(1);
    const ledger::BlockRef parent{Slot{2}, samples::random_hash(random)};
    const SampleBlock one =
        samples::make_block(leader, Slot{4}, parent, samples::random_bytes(random, 70'000));
    const SampleBlock two =
        samples::make_block(leader, Slot{4}, parent, samples::random_bytes(random, 70'000));
    const SampleBlock brief =
        samples::make_block(leader, Slot{4}, parent, samples::random_bytes(random, 10));
    const SampleBlock orphan = samples::make_block(leader, Slot{4}, {Slot{1}, parent.id},
                                                   samples::random_bytes(random, 70'000));
    const auto evidence = [&](const SetOut& first, const SetOut& second) {
        FecResolver resolver(samples::resolver_options(leader.pubkey()));
        EXPECT_TRUE(resolver.accept(first.datagrams.at(0), {}).has_value());
        const auto accepted = resolver.accept(second.datagrams.at(0), {});
        return accepted && accepted->equivocation ? std::optional{accepted->equivocation->kind}
                                                  : std::nullopt;
    };
    using Kind = Equivocation::Kind;
    EXPECT_EQ(evidence(one.sets[0], one.sets[1]), std::nullopt);
    EXPECT_EQ(evidence(one.sets[2], one.sets[1]), std::nullopt);
    EXPECT_EQ(evidence(one.sets[0], two.sets[1]), Kind::broken_chain);
    EXPECT_EQ(evidence(two.sets[1], one.sets[0]), Kind::broken_chain);
    EXPECT_EQ(evidence(brief.sets[0], one.sets[2]), Kind::beyond_last);
    EXPECT_EQ(evidence(one.sets[2], brief.sets[0]), Kind::beyond_last);
    EXPECT_EQ(evidence(one.sets[0], orphan.sets[2]), Kind::other_parent);
}

TEST(FecResolver, bounds_the_versions_of_a_set_but_takes_those_that_were_named)
{
    Random random(30);
    const crypto::Keypair leader = samples::keypair(1);
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    std::vector<SampleBlock> versions;
    for (int i = 0; i < 6; ++i) {
        versions.push_back(samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                               samples::random_bytes(random, 4000)));
    }
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(resolver.accept(versions[i].sets[0].datagrams.at(0), {}).has_value());
    }
    const ByteView fifth = versions[4].sets[0].datagrams.at(0);
    EXPECT_EQ(error_of(resolver.accept(fifth, {})), ShredError::versions_full);
    EXPECT_TRUE(resolver.want_set({Slot{1}, 0, versions[4].ref.id}));
    EXPECT_TRUE(resolver.accept(fifth, {}).has_value());
    EXPECT_EQ(error_of(resolver.accept(versions[5].sets[0].datagrams.at(0), {})),
              ShredError::versions_full);
}

TEST(FecResolver, takes_only_slots_above_finalized_and_at_most_64_ahead)
{
    Random random(31);
    const crypto::Keypair leader = samples::keypair(1);
    const crypto::Keypair stranger = samples::keypair(9);
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    resolver.set_window(Slot{100}, Slot{110});
    const auto first_shred = [&](const crypto::Keypair& key, std::uint64_t slot) {
        const SampleBlock block =
            samples::make_block(key, Slot{slot}, {Slot{slot - 1}, samples::random_hash(random)},
                                samples::random_bytes(random, 3000));
        return Bytes(block.sets[0].datagrams.at(0).begin(), block.sets[0].datagrams.at(0).end());
    };
    EXPECT_EQ(error_of(resolver.accept(first_shred(leader, 100), {})), ShredError::slot_old);
    EXPECT_TRUE(resolver.accept(first_shred(leader, 101), {}).has_value());
    EXPECT_TRUE(resolver.accept(first_shred(leader, 174), {}).has_value());
    EXPECT_EQ(resolver.take_highest_slot_seen(), Slot{174});
    const std::size_t open_bytes = resolver.open_bytes();
    // A farther slot counts only with the leader's signature, and takes no memory.
    EXPECT_EQ(error_of(resolver.accept(first_shred(stranger, 900), {})), ShredError::bad_signature);
    EXPECT_EQ(resolver.take_highest_slot_seen(), Slot{0});
    EXPECT_EQ(error_of(resolver.accept(first_shred(leader, 175), {})), ShredError::slot_far);
    EXPECT_EQ(error_of(resolver.accept(first_shred(leader, slot_max), {})), ShredError::slot_far);
    EXPECT_EQ(resolver.take_highest_slot_seen(), Slot{slot_max});
    EXPECT_EQ(resolver.counters().errors[static_cast<std::size_t>(ShredError::slot_far)], 2U);
    EXPECT_EQ(resolver.open_bytes(), open_bytes);
    // Catch-up names slots; when it is over they are dropped again.
    EXPECT_TRUE(resolver.want_slot(Slot{175}));
    EXPECT_TRUE(resolver.accept(first_shred(leader, 175), {}).has_value());
    EXPECT_GT(resolver.open_bytes(), open_bytes);
    resolver.unwant_slot(Slot{175});
    EXPECT_EQ(resolver.open_bytes(), open_bytes);
    resolver.set_window(Slot{174}, Slot{175});
    EXPECT_EQ(resolver.open_bytes(), 0U);
}

TEST(FecResolver, stays_within_its_memory_when_a_leader_signs_without_end)
{
    Random random(32);
    const crypto::Keypair leader = samples::keypair(1);
    const crypto::Keypair hostile = samples::keypair(2);
    FecResolver::Options options = samples::resolver_options(leader.pubkey());
    options.leader_of = [&](Slot slot) {
        return std::optional{slot.value >= 10 ? hostile.pubkey() : leader.pubkey()};
    };
    options.open_bytes_max = std::size_t{1} << 20;
    options.records_max = 200;
    FecResolver resolver(options);
    // An honest set is half there when the flood begins.
    const SampleBlock honest = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                   samples::random_bytes(random, 32'768));
    for (std::size_t i = 0; i < 20; ++i) {
        ASSERT_TRUE(resolver.accept(honest.sets[0].datagrams.at(i), {}).has_value());
    }
    for (int i = 0; i < 3000; ++i) {
        const Slot slot{10 + random() % 4};
        SetHeader header;
        header.slot = slot;
        header.parent_slot = Slot{9};
        header.set_index = static_cast<std::uint32_t>(random() % block_sets_max);
        header.last = i % 3 == 0;
        header.stream_bytes = header.last ? 1 : 32'768;
        header.data_count = header.last ? 1 : 32;
        header.parity_count = header.last ? 4 : 32;
        header.chained_root = samples::random_hash(random);
        std::vector<ForgedShred> rows(header.shred_count(), {header, Bytes(row_bytes)});
        static_cast<void>(resolver.accept(sign_rows(hostile, rows)[1], {}));
        ASSERT_LE(resolver.open_bytes(), options.open_bytes_max);
    }
    EXPECT_GT(resolver.counters().sets_evicted, 0U);
    EXPECT_GT(resolver.counters().errors[static_cast<std::size_t>(ShredError::no_room)], 0U);
    // The flood has not cost the honest slot its rows.
    std::optional<CompletedSet> completed;
    for (std::size_t i = 20; i < 32; ++i) {
        auto accepted = resolver.accept(honest.sets[0].datagrams.at(i), {});
        ASSERT_TRUE(accepted.has_value());
        completed = std::move(accepted->completed);
    }
    ASSERT_TRUE(completed.has_value());
    EXPECT_EQ(completed->set, honest.sets[0].set);
}

TEST(FecResolver, lets_a_named_set_in_although_its_own_slot_has_filled_the_memory)
{
    Random random(33);
    const crypto::Keypair leader = samples::keypair(1);
    FecResolver::Options options = samples::resolver_options(leader.pubkey());
    options.open_bytes_max = 80'000; // two full sets
    FecResolver resolver(options);
    const SampleBlock junk = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                 samples::random_bytes(random, 4 * 32'768));
    EXPECT_TRUE(resolver.accept(junk.sets[0].datagrams.at(0), {}).has_value());
    EXPECT_TRUE(resolver.accept(junk.sets[1].datagrams.at(0), {}).has_value());
    const ByteView third = junk.sets[2].datagrams.at(0);
    EXPECT_EQ(error_of(resolver.accept(third, {})), ShredError::no_room);
    EXPECT_TRUE(resolver.want_set({Slot{1}, 2, junk.sets[2].set.root}));
    EXPECT_TRUE(resolver.accept(third, {}).has_value());
    EXPECT_LE(resolver.open_bytes(), options.open_bytes_max);
    // What gave way can be collected again from the start, but is not passed on twice.
    resolver.set_window(Slot{0}, Slot{1});
    const auto again = resolver.accept(junk.sets[1].datagrams.at(0), {});
    EXPECT_EQ(error_of(again), ShredError::no_room);
}

TEST(FecResolver, takes_shreds_under_a_second_signature_of_the_same_root)
{
    Random random(34);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 3000));
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    ASSERT_TRUE(resolver.accept(block.sets[0].datagrams.at(0), {}).has_value());
    Bytes forged(block.sets[0].datagrams.at(1).begin(), block.sets[0].datagrams.at(1).end());
    forged[6 + 63] ^= 1;
    EXPECT_EQ(error_of(resolver.accept(forged, {})), ShredError::bad_signature);
    EXPECT_TRUE(resolver.accept(block.sets[0].datagrams.at(1), {}).has_value());
}

TEST(FecResolver, refuses_slots_without_a_leader)
{
    Random random(35);
    const crypto::Keypair leader = samples::keypair(1);
    FecResolver::Options options = samples::resolver_options(leader.pubkey());
    options.leader_of = [](Slot) {
        return std::optional<Pubkey>{};
    };
    FecResolver resolver(options);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 3000));
    EXPECT_EQ(error_of(resolver.accept(block.sets[0].datagrams.at(0), {})), ShredError::no_leader);
}

TEST(FecResolver, collects_a_set_again_that_was_forgotten)
{
    Random random(36);
    const crypto::Keypair leader = samples::keypair(1);
    const SampleBlock block = samples::make_block(leader, Slot{1}, samples::genesis_block(),
                                                  samples::random_bytes(random, 1000));
    FecResolver resolver(samples::resolver_options(leader.pubkey()));
    const SetKey key{Slot{1}, 0, block.ref.id};
    ASSERT_TRUE(resolver.accept(block.sets[0].datagrams.at(0), {})->completed.has_value());
    EXPECT_TRUE(resolver.completed(key));
    EXPECT_EQ(error_of(resolver.accept(block.sets[0].datagrams.at(0), {})), ShredError::duplicate);
    resolver.forget(key);
    EXPECT_FALSE(resolver.completed(key));
    const auto again = resolver.accept(block.sets[0].datagrams.at(0), {});
    ASSERT_TRUE(again.has_value());
    EXPECT_FALSE(again->retransmit) << "it was passed on the first time";
    EXPECT_TRUE(again->completed.has_value());
}

} // namespace
} // namespace belfry::dataplane
