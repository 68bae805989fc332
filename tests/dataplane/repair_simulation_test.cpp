// SPDX-License-Identifier: Apache-2.0
#include "tests/dataplane/repair_simulation.hpp"

#include <gtest/gtest.h>

namespace belfry::dataplane {
namespace {

using namespace samples; // NOLINT(google-build-using-namespace)

std::vector<Bytes> silence(ByteView, std::uint64_t)
{
    return {};
}

/// Names blocks that do not exist, and has no sets.
Answerer inventor(std::uint64_t seed)
{
    auto random = std::make_shared<Random>(seed);
    return [random](ByteView datagram, std::uint64_t) {
        const Prefix prefix(genesis());
        const auto request = parse_repair_request(datagram, prefix);
        std::vector<Bytes> out;
        if (request && request->request.what == RepairWhat::chain) {
            ChainHints hints;
            hints.echo = echo_of(request->signature);
            hints.after = request->request.key.slot;
            hints.tip = Slot{hints.after.value + 1'000'000};
            for (std::uint64_t i = 1; i <= chain_hints_max; ++i) {
                hints.hints.push_back({{Slot{hints.after.value + i}, random_hash(*random)},
                                       static_cast<std::uint16_t>(1 + (*random)() % 512)});
            }
            out.push_back(write_chain_hints(hints, prefix));
        }
        return out;
    };
}

/// Says that there is nothing beyond what is asked.
std::vector<Bytes> denier(ByteView datagram, std::uint64_t)
{
    const Prefix prefix(genesis());
    const auto request = parse_repair_request(datagram, prefix);
    if (!request || request->request.what != RepairWhat::chain) {
        return {};
    }
    ChainHints hints;
    hints.echo = echo_of(request->signature);
    hints.after = request->request.key.slot;
    hints.tip = hints.after;
    return {write_chain_hints(hints, prefix)};
}

/// Answers with noise, and with hints that nobody asked for.
Answerer noisy(std::uint64_t seed)
{
    auto random = std::make_shared<Random>(seed);
    return [random](ByteView, std::uint64_t) {
        std::vector<Bytes> out;
        for (int i = 0; i < 10; ++i) {
            Bytes noise;
            Prefix(genesis()).append_to(noise);
            noise.push_back(static_cast<std::uint8_t>(1 + (*random)() % 3));
            const Bytes more = random_bytes(*random, (*random)() % 1300);
            noise.insert(noise.end(), more.begin(), more.end());
            out.push_back(std::move(noise));
        }
        ChainHints hints;
        hints.echo = (*random)();
        hints.tip = Slot{500};
        hints.hints.push_back({{Slot{400}, random_hash(*random)}, 3});
        out.push_back(write_chain_hints(hints, Prefix(genesis())));
        return out;
    };
}

/// As a vote of somebody would, once a slot, tells the node how far the cluster is.
std::function<bool()> reached(Simulation& simulation, const ledger::BlockRef& target)
{
    return [&simulation, target, next_ns = std::uint64_t{0}]() mutable {
        if (simulation.now_ns() >= next_ns) {
            next_ns = simulation.now_ns() + slot_ns;
            simulation.planner().note_slot_seen(target.slot);
        }
        return simulation.tip() == target;
    };
}

TEST(Repair, brings_a_node_with_nothing_over_500_blocks_at_more_than_4_times_the_production_rate)
{
    Random random(71);
    const std::vector<SampleBlock> chain = make_chain(random, 500, 45'000);
    ChainSource source;
    for (const SampleBlock& block : chain) {
        source.add(block);
    }
    for (const unsigned loss_percent : {0U, 15U}) {
        Simulation simulation({.seed = 72, .loss_percent = loss_percent});
        for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
            simulation.set_peer(peer, honest_peer(peer, source));
        }
        const std::uint64_t produced_ns = chain.back().ref.slot.value * slot_ns;
        ASSERT_TRUE(simulation.run_until(produced_ns / 4, reached(simulation, chain.back().ref)))
            << "at slot " << simulation.tip().slot.value << " with loss of " << loss_percent;
        RecordProperty("speed_at_loss_" + std::to_string(loss_percent),
                       static_cast<int>(produced_ns / simulation.now_ns()));
        std::cout << "loss " << loss_percent << " %: " << produced_ns / simulation.now_ns()
                  << " x the production rate, " << simulation.planner().counters().requests_sent
                  << " requests, " << simulation.planner().counters().requests_timed_out
                  << " timed out\n";
        EXPECT_LE(simulation.resolver().open_bytes(), std::size_t{64} << 20);
    }
}

TEST(Repair, reaches_the_tip_although_three_of_four_peers_lie)
{
    for (std::uint64_t seed = 80; seed < 86; ++seed) {
        Random random(seed);
        const std::vector<SampleBlock> chain = make_chain(random, 80, 50'000);
        ChainSource source;
        // An equivocating cluster of leaders: another version of every block, one chain of its own,
        // of which a liar serves sets in answer to every question.
        ChainSource other;
        ledger::BlockRef other_parent = genesis_block();
        for (const SampleBlock& block : chain) {
            source.add(block);
            const SampleBlock version =
                make_block(leader_key(block.ref.slot), block.ref.slot, other_parent,
                           random_bytes(random, 1 + random() % 50'000));
            if (version.ref.slot.value % 3 == 0) {
                other.add(version);
            }
        }
        std::vector<Answerer> liars{silence, inventor(seed), denier, noisy(seed),
                                    honest_peer(4, other)};
        std::shuffle(liars.begin(), liars.end(), random);
        Simulation simulation({.seed = seed, .loss_percent = 5});
        const auto honest = static_cast<std::uint16_t>(1 + seed % 4);
        for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
            simulation.set_peer(peer, liars[peer]);
        }
        simulation.set_peer(honest, honest_peer(honest, source));
        ASSERT_TRUE(simulation.run_until(240'000 * ms, reached(simulation, chain.back().ref)))
            << "seed " << seed << ", at slot " << simulation.tip().slot.value << " of "
            << chain.back().ref.slot.value;
        std::cout << "seed " << seed << ": " << simulation.now_ns() / ms << " ms, "
                  << chain.back().ref.slot.value * slot_ns / simulation.now_ns() << " x\n";
    }
}

TEST(Repair, leaves_guides_whose_blocks_nobody_can_deliver)
{
    Random random(87);
    const std::vector<SampleBlock> chain = make_chain(random, 40, 20'000);
    ChainSource source;
    for (const SampleBlock& block : chain) {
        source.add(block);
    }
    Simulation simulation({.seed = 88});
    for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
        simulation.set_peer(peer, inventor(peer)); // as many as there are guides
    }
    simulation.set_peer(4, honest_peer(4, source));
    EXPECT_TRUE(simulation.run_until(60'000 * ms, reached(simulation, chain.back().ref)))
        << "at slot " << simulation.tip().slot.value;
    EXPECT_GT(simulation.planner().counters().guides_replaced, 0U);
}

TEST(Repair, completes_live_blocks_of_which_turbine_lost_much)
{
    for (std::uint64_t seed = 90; seed < 96; ++seed) {
        Random random(seed);
        const std::vector<SampleBlock> chain = make_chain(random, 20, 150'000);
        ChainSource source;
        Simulation simulation({.seed = seed, .loss_percent = 15});
        for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
            simulation.set_peer(peer, honest_peer(peer, source));
        }
        std::uint64_t worst_ns = 0;
        for (const SampleBlock& block : chain) {
            const std::uint64_t begin_ns =
                std::max(simulation.now_ns(), block.ref.slot.value * slot_ns);
            simulation.run_until(begin_ns, [] { return false; });
            simulation.move_to(block.ref.slot);
            source.add(block);
            // Some sets are lost whole, some ends of blocks, some blocks; the rest loses half.
            const std::uint64_t fate = random() % 4;
            for (const SetOut& set : block.sets) {
                const bool all_lost =
                    fate == 0 || (fate == 1 && set.set.last) || (fate == 2 && random() % 3 == 0);
                for (std::size_t i = 0; i < set.datagrams.count() && !all_lost; ++i) {
                    if (random() % 2 == 0) {
                        simulation.send_turbine(set.datagrams.at(i));
                    }
                }
            }
            // Others have the block whole and vote for it 100 ms later.
            simulation.run_until(simulation.now_ns() + 100 * ms, [] { return false; });
            simulation.planner().want(block.ref);
            ASSERT_TRUE(simulation.run_until(simulation.now_ns() + 5000 * ms,
                                             [&] { return simulation.tip() == block.ref; }))
                << "seed " << seed << " slot " << block.ref.slot.value << " fate " << fate;
            worst_ns = std::max(worst_ns, simulation.now_ns() - begin_ns);
        }
        std::cout << "seed " << seed << ": worst block after " << worst_ns / ms << " ms\n";
        EXPECT_GT(simulation.resolver().counters().sets_recovered, 0U);
        EXPECT_GT(simulation.resolver().counters().sets_repaired, 0U);
    }
}

TEST(Repair, fetches_the_version_that_was_named_when_the_leader_made_two)
{
    Random random(101);
    const SampleBlock mine =
        make_block(leader_key(Slot{1}), Slot{1}, genesis_block(), random_bytes(random, 100'000));
    Bytes stream = random_bytes(random, 100'000);
    std::copy_n(mine.stream.begin(), set_stream_bytes_max, stream.begin());
    const SampleBlock theirs =
        make_block(leader_key(Slot{1}), Slot{1}, genesis_block(), std::move(stream));
    ChainSource source;
    source.add(theirs);
    Simulation simulation({.seed = 3, .loss_percent = 10});
    for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
        simulation.set_peer(peer, honest_peer(peer, source));
    }
    simulation.move_to(Slot{1});
    for (const SetOut& set : mine.sets) {
        for (std::size_t i = 0; i < set.datagrams.count(); ++i) {
            simulation.send_turbine(set.datagrams.at(i));
        }
    }
    ASSERT_TRUE(
        simulation.run_until(2000 * ms, [&] { return simulation.assembler().is_known(mine.ref); }));
    simulation.planner().want(theirs.ref);
    EXPECT_TRUE(simulation.run_until(simulation.now_ns() + 3000 * ms,
                                     [&] { return simulation.assembler().is_known(theirs.ref); }));
}

TEST(Repair, takes_hints_only_in_answer_to_its_own_question_and_once)
{
    Random random(6);
    FecResolver::Options resolver_options;
    resolver_options.genesis = genesis();
    resolver_options.leader_of = [](Slot) {
        return std::optional<Pubkey>{};
    };
    FecResolver resolver(resolver_options);
    BlockAssembler assembler({});
    RepairPlanner::Options options;
    options.genesis = genesis();
    options.roster_count = roster_count;
    RepairPlanner planner(options, roster_keys()[0], resolver, assembler);
    planner.set_position({.finalized = genesis_block(), .replayed = Slot{0}, .local = Slot{1}});
    const std::vector<RepairOut> asked = planner.plan(1);
    ASSERT_EQ(asked.size(), 1U);
    const Prefix prefix(genesis());
    const auto request = parse_repair_request(asked[0].datagram, prefix);
    ASSERT_TRUE(request.has_value());
    ASSERT_EQ(request->request.what, RepairWhat::chain);
    EXPECT_EQ(request->request.target, asked[0].peer);
    ChainHints hints;
    hints.tip = Slot{5};
    hints.hints.push_back({{Slot{5}, random_hash(random)}, 1});
    hints.echo = echo_of(request->signature) + 1;
    planner.on_hints(write_chain_hints(hints, prefix), 2);
    EXPECT_EQ(planner.counters().hints_refused, 1U);
    EXPECT_EQ(planner.counters().hints_taken, 0U);
    hints.echo = echo_of(request->signature);
    const Bytes answer = write_chain_hints(hints, prefix);
    planner.on_hints(answer, 3);
    EXPECT_EQ(planner.counters().hints_taken, 1U);
    planner.on_hints(answer, 4);
    EXPECT_EQ(planner.counters().hints_refused, 2U) << "an answer counts once";
    EXPECT_TRUE(planner.plan(5).empty()) << "its shreds may be on their way";
    EXPECT_EQ(assembler.wanted().size(), 1U);
    EXPECT_EQ(planner.plan(100 * ms).size(), 1U);
}

TEST(Repair, asks_for_nothing_while_nothing_is_missing_and_lets_go_of_what_nobody_has)
{
    Simulation simulation({.seed = 4});
    ChainSource empty;
    for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
        simulation.set_peer(peer, honest_peer(peer, empty));
    }
    simulation.move_to(Slot{3});
    simulation.run_until(10'000 * ms, [] { return false; });
    EXPECT_LE(simulation.planner().counters().requests_sent, 11U) << "one probe a second";
    Random random(5);
    for (std::uint64_t slot = 1; slot <= 3; ++slot) {
        simulation.planner().want({Slot{slot}, random_hash(random)});
    }
    EXPECT_EQ(simulation.assembler().wanted().size(), 3U);
    EXPECT_TRUE(simulation.run_until(120'000 * ms,
                                     [&] { return simulation.assembler().wanted().empty(); }));
    simulation.run_until(simulation.now_ns() + 10 * ms, [] { return false; });
    EXPECT_EQ(simulation.planner().in_flight_shreds(), 0U);
}

} // namespace
} // namespace belfry::dataplane
