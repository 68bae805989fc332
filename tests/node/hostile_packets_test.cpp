// SPDX-License-Identifier: Apache-2.0
// Every kind of hostile datagram (tests/cluster/hostile_kinds.hpp) before the object that judges
// its lane: it is counted as what it is, changes nothing, and is not answered.
#include "crypto/keypair.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/ingress/verifier.hpp"
#include "dataplane/repair/repair_server.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "node/statement_intake.hpp"
#include "tests/cluster/hostile_kinds.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {
namespace {

using dataplane::Lane;
using hostile::Kind;

constexpr std::size_t each = 25;
constexpr std::uint16_t this_node = 0;

Hash genesis()
{
    Hash hash;
    hash.bytes.fill(0x3b);
    return hash;
}

const std::vector<crypto::Keypair>& keys()
{
    static const std::vector<crypto::Keypair> made = [] {
        std::vector<crypto::Keypair> out;
        for (std::uint8_t i = 1; i <= 4; ++i) {
            out.push_back(crypto::Keypair::from_seed(Bytes(32, i)));
        }
        return out;
    }();
    return made;
}

std::vector<Pubkey> pubkeys()
{
    std::vector<Pubkey> out;
    for (const crypto::Keypair& key : keys()) {
        out.push_back(key.pubkey());
    }
    return out;
}

/// What the lanes' objects have counted, by the names that the node publishes them under.
using Told = std::map<std::string, std::uint64_t>;

Told verify(const std::vector<Bytes>& datagrams, Lane lane)
{
    dataplane::Verifier verifier(genesis(), {});
    std::size_t good_count = 0;
    for (const Bytes& datagram : datagrams) {
        verifier.add(lane, datagram);
        good_count += verifier.verify([](const dataplane::VerifiedTransaction&) {});
    }
    Told told;
    told["good"] = good_count;
    for (std::size_t i = 0; i < dataplane::ingress_drop_count; ++i) {
        // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
        const auto drop = static_cast<dataplane::IngressDrop>(i);
        told[dataplane::to_string(drop)] = verifier.counters().of(drop).read();
    }
    return told;
}

Told take_votes(const std::vector<Bytes>& datagrams)
{
    StatementIntake intake(genesis(), pubkeys());
    std::uint64_t evidence_count = 0;
    for (const Bytes& datagram : datagrams) {
        intake.add(datagram);
        evidence_count += intake.take_evidence() ? 1U : 0U;
        intake.check([](const consensus::VoteMessage&) { FAIL() << "a forged statement is true"; });
    }
    const StatementIntake::Counters& counters = intake.counters();
    return {{"good", counters.good},
            {"votes_bad_form", counters.bad_form},
            {"votes_other_genesis", counters.other_genesis},
            {"votes_unknown_voter", counters.unknown_voter},
            {"votes_bad_signature", counters.bad_signature},
            {"evidence_refused", evidence_count}};
}

Told take_shreds(const std::vector<Bytes>& datagrams)
{
    dataplane::FecResolver resolver({.genesis = genesis(), .leader_of = [](Slot slot) {
                                         return std::optional(keys()[slot.value % 4].pubkey());
                                     }});
    Told told;
    for (const Bytes& datagram : datagrams) {
        told["good"] += resolver.accept(datagram, {}).has_value() ? 1U : 0U;
    }
    EXPECT_EQ(resolver.open_bytes(), 0U);
    EXPECT_TRUE(resolver.open_sets().empty());
    EXPECT_EQ(resolver.take_highest_slot_seen(), Slot{}) << "no reason to catch up";
    for (std::size_t i = 0; i < resolver.counters().errors.size(); ++i) {
        told[std::string(dataplane::to_string(static_cast<dataplane::ShredError>(i)))] =
            resolver.counters().errors[i];
    }
    return told;
}

/// It has everything that anybody may ask for.
class Full final : public dataplane::SetSource {
public:
    std::optional<ledger::ShredSet> set(const dataplane::SetKey& /*key*/) override { return {}; }
    std::optional<ledger::ShredSet> successor(const dataplane::SetKey& /*key*/) override
    {
        return {};
    }
    std::optional<ledger::ShredSet> set_of_block(const ledger::BlockRef& /*block*/,
                                                 std::uint32_t /*set_index*/) override
    {
        return {};
    }
    std::vector<dataplane::ChainHint> chain_after(Slot slot, std::size_t /*count_max*/) override
    {
        return {{.block = {.slot = slot.next(), .id = genesis()}, .set_count = 1}};
    }
    Slot tip() override { return Slot{9}; }
};

Told ask_for_repair(const std::vector<Bytes>& datagrams)
{
    Full source;
    dataplane::RepairServer server({.genesis = genesis(), .roster = pubkeys(), .me = this_node},
                                   source);
    Told told;
    for (const Bytes& datagram : datagrams) {
        told["good"] += server.serve(datagram, 1).has_value() ? 1U : 0U;
    }
    for (std::size_t i = 0; i < server.counters().errors.size(); ++i) {
        told["repair." +
             std::string(dataplane::to_string(static_cast<dataplane::RepairServeError>(i)))] =
            server.counters().errors[i];
    }
    return told;
}

Told judge(const std::vector<Bytes>& datagrams, Lane lane)
{
    switch (lane) {
    case Lane::transactions:
    case Lane::forwards:
        return verify(datagrams, lane);
    case Lane::votes:
        return take_votes(datagrams);
    case Lane::shreds:
        return take_shreds(datagrams);
    case Lane::repair:
        break;
    }
    return ask_for_repair(datagrams);
}

class HostilePackets : public testing::TestWithParam<Kind> {};

TEST_P(HostilePackets, are_counted_as_what_they_are_and_change_nothing)
{
    const Kind& kind = GetParam();
    hostile::Random random(17);
    std::vector<Bytes> datagrams =
        kind.make({.genesis = genesis(), .target = this_node}, each, random);
    while (datagrams.size() < each) {
        datagrams.push_back(datagrams.front());
    }
    const Told told = judge(datagrams, kind.lane);
    std::uint64_t sum = 0;
    for (const auto& [name, count] : told) {
        sum += count;
    }
    EXPECT_EQ(sum, datagrams.size()) << "each in exactly one counter";
    if (kind.name == "expired" || kind.name == "unfunded") { // signed well; see pool_gate_test.cpp
        EXPECT_EQ(told.at("good"), datagrams.size());
    } else if (kind.name == "duplicate") { // the first is the original
        EXPECT_EQ(told.at("good"), 1U);
        EXPECT_EQ(told.at("duplicate"), datagrams.size() - 1);
    } else if (kind.name == "malformed") { // for many reasons
        EXPECT_EQ(told.at("good") + told.at("bad_signature") + told.at("duplicate"), 0U);
    } else {
        ASSERT_TRUE(told.contains(std::string(kind.counter))) << kind.counter;
        EXPECT_EQ(told.at(std::string(kind.counter)), datagrams.size());
    }
}

INSTANTIATE_TEST_SUITE_P(EachKind, HostilePackets,
                         testing::ValuesIn(hostile::kinds().begin(), hostile::kinds().end()),
                         [](const auto& kind) { return std::string(kind.param.name); });

/// A million different answers to one question: what an honest transaction's forged copies cost.
TEST(HostileCopies, of_an_honest_transaction_never_keep_it_out)
{
    const crypto::Keypair& payer = keys()[0];
    const std::array instructions{ledger::system_transfer(
        {.from = payer.pubkey(), .to = keys()[1].pubkey(), .lamports = Lamports{5}})};
    const Bytes message = ledger::build_message(
        {.fee_payer = payer.pubkey(), .recent_blockhash = genesis()}, instructions);
    const std::array signatures{payer.sign(crypto::SigningPurpose::transaction, message)};
    const Bytes honest = ledger::assemble_transaction(signatures, message);
    dataplane::Verifier verifier(genesis(), {.batch_max = 64});
    hostile::Random random(5);
    std::size_t good_count = 0;
    const auto settle = [&] {
        good_count += verifier.verify([&](const dataplane::VerifiedTransaction& verified) {
            EXPECT_TRUE(std::ranges::equal(verified.transaction.wire(), honest));
        });
    };
    for (int i = 0; i < 640; ++i) {
        Bytes copy = honest;
        copy[1 + random() % 64] ^= static_cast<std::uint8_t>(1U << (random() % 8));
        verifier.add(Lane::transactions, copy);
        if (i == 333) {
            verifier.add(Lane::transactions, honest); // amid its copies
        }
        if (verifier.full()) {
            settle();
        }
    }
    settle();
    EXPECT_EQ(good_count, 1U);
}

TEST(HostileCopies, of_honest_shreds_never_keep_their_set_from_being_rebuilt)
{
    const crypto::Keypair& leader = keys()[1];
    dataplane::Shredder shredder(
        {.genesis = genesis(), .slot = Slot{1}, .parent = {.slot = Slot{0}, .id = genesis()}},
        leader);
    (void)shredder.push(Bytes(20'000, 7));
    const dataplane::SetOut set = shredder.finish();
    dataplane::FecResolver resolver({.genesis = genesis(), .leader_of = [&](Slot /*slot*/) {
                                         return std::optional(leader.pubkey());
                                     }});
    hostile::Random random(6);
    std::size_t passed_on_count = 0;
    std::optional<ledger::ShredSet> rebuilt;
    for (std::size_t i = 0; i < set.datagrams.count() && !rebuilt; ++i) {
        const Bytes honest(set.datagrams.at(i).begin(), set.datagrams.at(i).end());
        for (int copies = 0; copies < 20; ++copies) { // each time ahead of the honest one
            Bytes copy = honest;
            copy[6 + random() % (copy.size() - 6)] ^= static_cast<std::uint8_t>(1 + random() % 255);
            EXPECT_FALSE(resolver.accept(copy, {}).has_value());
        }
        auto accepted = resolver.accept(honest, {});
        ASSERT_TRUE(accepted.has_value()) << i;
        passed_on_count += accepted->retransmit ? 1U : 0U;
        if (accepted->completed) {
            rebuilt = std::move(accepted->completed->set);
        }
    }
    ASSERT_TRUE(rebuilt.has_value());
    EXPECT_EQ(*rebuilt, set.set);
    EXPECT_EQ(passed_on_count, 20U) << "k shreds of 20,000 bytes, no copy";
}

} // namespace
} // namespace belfry::node
