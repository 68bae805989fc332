// SPDX-License-Identifier: Apache-2.0
#include "exec/pool_gate.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "tests/filled.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <vector>

namespace belfry::exec {
namespace {

using Verdict = PoolGate::Verdict;

Pubkey key_of(std::uint8_t fill)
{
    Pubkey key;
    key.bytes.fill(fill);
    key.bytes[31] = 0; // canonical
    return key;
}

struct Spec {
    std::uint8_t payer = 1;
    std::uint8_t blockhash = 1;
    std::uint64_t lamports = 1; // what tells two of them apart
};

class PoolGateTest : public testing::Test {
protected:
    static ledger::Transaction transaction(const Spec& spec)
    {
        const ledger::Instruction transfer = ledger::system_transfer(
            {.from = key_of(spec.payer), .to = key_of(200), .lamports = Lamports{spec.lamports}});
        const Bytes message = ledger::build_message(
            {.fee_payer = key_of(spec.payer), .recent_blockhash = filled<Hash>(spec.blockhash)},
            std::span(&transfer, 1));
        const Signature signature{};
        const auto parsed = ledger::parse_transaction(
            ledger::assemble_transaction(std::span(&signature, 1), message));
        EXPECT_TRUE(parsed.has_value());
        return *parsed;
    }
    static PoolGate::Arrival arrival(const Spec& spec, std::uint64_t slot = 100,
                                     Origin origin = Origin::direct)
    {
        return {.transaction = transaction(spec), .origin = origin, .received = Slot{slot}};
    }
    [[nodiscard]] PoolGate::View view() const
    {
        return {.age_of =
                    [this](const Hash& blockhash) {
                        const auto found = ages.find(blockhash);
                        return found == ages.end() ? BlockhashAge::unknown : found->second;
                    },
                .can_pay =
                    [this](const ledger::Transaction& asked) {
                        return rich.contains(asked.account(0));
                    }};
    }

    std::map<Hash, BlockhashAge> ages{{filled<Hash>(1), BlockhashAge::valid},
                                      {filled<Hash>(2), BlockhashAge::expired}};
    std::set<Pubkey> rich{key_of(1)};
    PoolGate gate{{.early_max = 4, .early_slots_max = 3}};
};

TEST_F(PoolGateTest, lets_in_who_can_pay_on_a_blockhash_that_lives)
{
    EXPECT_EQ(gate.admit(arrival({}), view()), Verdict::enter);
    EXPECT_EQ(gate.early_count(), 0U);
}

TEST_F(PoolGateTest, refuses_what_could_never_be_in_a_block_and_counts_why)
{
    EXPECT_EQ(gate.admit(arrival({.payer = 9}), view()), Verdict::cannot_pay);
    EXPECT_EQ(gate.admit(arrival({.blockhash = 2}), view()), Verdict::expired);
    EXPECT_EQ(gate.counters().cannot_pay, 1U);
    EXPECT_EQ(gate.counters().expired, 1U);
    EXPECT_EQ(gate.early_count(), 0U);
    EXPECT_TRUE(gate.look_again(Slot{101}, view()).empty());
}

TEST_F(PoolGateTest, looks_at_nothing_of_a_transaction_in_quarantine)
{
    PoolGate::View careful = view();
    careful.quarantined = [](const ledger::Transaction& asked) {
        return asked.message_hash() == transaction({.lamports = 7}).message_hash();
    };
    careful.can_pay = [](const ledger::Transaction& asked) {
        EXPECT_NE(asked.message_hash(), transaction({.lamports = 7}).message_hash());
        return true;
    };
    EXPECT_EQ(gate.admit(arrival({.lamports = 7}), careful), Verdict::quarantined);
    EXPECT_EQ(gate.admit(arrival({.lamports = 8}), careful), Verdict::enter);
    EXPECT_EQ(gate.counters().quarantined, 1U);
}

TEST_F(PoolGateTest, what_is_early_comes_in_once_its_block_is_there)
{
    EXPECT_EQ(gate.admit(arrival({.blockhash = 3, .lamports = 1}), view()), Verdict::waits);
    EXPECT_EQ(gate.admit(arrival({.blockhash = 4, .lamports = 2}, 101, Origin::forwarded), view()),
              Verdict::waits);
    EXPECT_EQ(gate.admit(arrival({.blockhash = 3, .lamports = 3}), view()), Verdict::waits);
    EXPECT_EQ(gate.admit(arrival({.payer = 9, .blockhash = 3}), view()), Verdict::waits);
    EXPECT_TRUE(gate.look_again(Slot{101}, view()).empty());
    EXPECT_EQ(gate.early_count(), 4U);
    ages[filled<Hash>(3)] = BlockhashAge::valid;
    const std::vector<PoolGate::Arrival> entering = gate.look_again(Slot{102}, view());
    ASSERT_EQ(entering.size(), 2U);
    EXPECT_EQ(entering[0].transaction.message_hash(),
              transaction({.blockhash = 3, .lamports = 1}).message_hash());
    EXPECT_EQ(entering[1].transaction.message_hash(),
              transaction({.blockhash = 3, .lamports = 3}).message_hash());
    EXPECT_EQ(entering[0].received, Slot{100}) << "as it arrived";
    EXPECT_EQ(gate.counters().cannot_pay, 1U) << "judged again, whole";
    EXPECT_EQ(gate.early_count(), 1U);
    ages[filled<Hash>(4)] = BlockhashAge::valid;
    const std::vector<PoolGate::Arrival> later = gate.look_again(Slot{103}, view());
    ASSERT_EQ(later.size(), 1U);
    EXPECT_EQ(later[0].origin, Origin::forwarded);
}

TEST_F(PoolGateTest, what_never_becomes_known_is_held_for_its_slots_and_no_longer)
{
    EXPECT_EQ(gate.admit(arrival({.blockhash = 3}), view()), Verdict::waits);
    EXPECT_TRUE(gate.look_again(Slot{103}, view()).empty());
    EXPECT_EQ(gate.early_count(), 1U);
    EXPECT_TRUE(gate.look_again(Slot{104}, view()).empty());
    EXPECT_EQ(gate.early_count(), 0U);
    EXPECT_EQ(gate.counters().early_expired, 1U);
}

TEST_F(PoolGateTest, a_flood_on_unknown_blockhashes_holds_its_bound_and_keeps_no_known_one_out)
{
    for (std::uint64_t i = 0; i < 1000; ++i) {
        EXPECT_EQ(gate.admit(arrival({.blockhash = 3, .lamports = i}), view()),
                  i < 4 ? Verdict::waits : Verdict::full);
        EXPECT_LE(gate.early_count(), 4U);
        EXPECT_EQ(gate.admit(arrival({.lamports = i}), view()), Verdict::enter);
    }
    EXPECT_EQ(gate.counters().early, 4U);
    EXPECT_EQ(gate.counters().early_full, 996U);
}

} // namespace
} // namespace belfry::exec
