// SPDX-License-Identifier: Apache-2.0
#include "crypto/keypair.hpp"
#include "dataplane/ingress/verifier.hpp"
#include "ledger/model/transaction_builder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace belfry::dataplane {
namespace {

Hash genesis_of_sevens()
{
    Hash hash;
    hash.bytes.fill(0x77);
    return hash;
}

crypto::Keypair keypair(std::uint8_t seed)
{
    return crypto::Keypair::from_seed(Bytes(32, seed));
}

Bytes transfer(const crypto::Keypair& from, std::uint64_t lamports)
{
    Pubkey to;
    to.bytes.fill(9);
    const std::array instructions{
        ledger::system_transfer({.from = from.pubkey(), .to = to, .lamports = Lamports{lamports}})};
    const Bytes message = ledger::build_message(
        {.fee_payer = from.pubkey(), .recent_blockhash = genesis_of_sevens()}, instructions);
    const std::array signatures{from.sign(crypto::SigningPurpose::transaction, message)};
    return ledger::assemble_transaction(signatures, message);
}

Bytes create_account(const crypto::Keypair& from, const crypto::Keypair& created)
{
    const std::array instructions{ledger::system_create_account({.from = from.pubkey(),
                                                                 .new_account = created.pubkey(),
                                                                 .lamports = Lamports{1'000'000},
                                                                 .space_bytes = 8,
                                                                 .owner = {}})};
    const Bytes message = ledger::build_message(
        {.fee_payer = from.pubkey(), .recent_blockhash = genesis_of_sevens()}, instructions);
    const std::array signatures{from.sign(crypto::SigningPurpose::transaction, message),
                                created.sign(crypto::SigningPurpose::transaction, message)};
    return ledger::assemble_transaction(signatures, message);
}

constexpr std::size_t signature_offset = 1;

Bytes forged(Bytes transaction)
{
    transaction[signature_offset + 40] ^= 1;
    return transaction;
}

Bytes forward(const Hash& cluster, const Bytes& transaction)
{
    Bytes out;
    write_forward(Prefix(cluster), transaction, out);
    return out;
}

class VerifierTest : public testing::Test {
protected:
    std::vector<Bytes> verify()
    {
        std::vector<Bytes> out;
        verifier_.verify([&](const VerifiedTransaction& verified) {
            const ByteView wire = verified.transaction.wire();
            out.emplace_back(wire.begin(), wire.end());
            lanes_.push_back(verified.lane);
        });
        return out;
    }
    [[nodiscard]] std::uint64_t dropped(IngressDrop drop) const
    {
        return verifier_.counters().of(drop).read();
    }
    void expect_balance() const
    {
        std::uint64_t sum = verifier_.counters().accepted.read() + verifier_.pending_count();
        for (const Counter& counter : verifier_.counters().dropped) {
            sum += counter.read();
        }
        EXPECT_EQ(sum, verifier_.counters().received.read());
    }

    crypto::Keypair alice_ = keypair(1);
    Verifier verifier_{genesis_of_sevens(), {.batch_max = 64}};
    std::vector<Lane> lanes_;
};

TEST_F(VerifierTest, hands_over_good_transactions_of_both_lanes_in_order)
{
    const Bytes first = transfer(alice_, 1);
    const Bytes second = transfer(alice_, 2);
    const Bytes third = create_account(alice_, keypair(2));
    verifier_.add(Lane::transactions, first);
    verifier_.add(Lane::forwards, forward(genesis_of_sevens(), second));
    verifier_.add(Lane::transactions, third);
    EXPECT_EQ(verifier_.pending_count(), 3U);
    EXPECT_EQ(verify(), (std::vector{first, second, third}));
    EXPECT_EQ(lanes_, (std::vector{Lane::transactions, Lane::forwards, Lane::transactions}));
    EXPECT_EQ(verifier_.pending_count(), 0U);
    EXPECT_EQ(verifier_.counters().accepted.read(), 3U);
    expect_balance();
}

TEST_F(VerifierTest, a_forged_copy_that_comes_first_does_not_keep_the_real_one_out)
{
    const Bytes real = transfer(alice_, 1);
    verifier_.add(Lane::transactions, forged(real));
    EXPECT_TRUE(verify().empty()); // in a batch before
    verifier_.add(Lane::transactions, forged(real));
    verifier_.add(Lane::transactions, real); // and in the same batch
    verifier_.add(Lane::transactions, forged(real));
    EXPECT_EQ(verify(), (std::vector<Bytes>{real}));
    EXPECT_EQ(dropped(IngressDrop::bad_signature), 3U);
    EXPECT_EQ(dropped(IngressDrop::duplicate), 0U);
    expect_balance();
}

TEST_F(VerifierTest, tells_of_each_drop_that_it_could_read)
{
    std::vector<std::pair<IngressDrop, Bytes>> told;
    Verifier verifier(
        genesis_of_sevens(),
        {.batch_max = 64, .on_drop = [&told](IngressDrop reason, const ledger::Transaction& read) {
             told.emplace_back(reason, Bytes(read.wire().begin(), read.wire().end()));
         }});
    const Bytes real = transfer(alice_, 1);
    verifier.add(Lane::transactions, forged(real));
    verifier.add(Lane::transactions, real);
    verifier.add(Lane::transactions, real);          // twice in a batch
    verifier.add(Lane::transactions, Bytes(100, 7)); // no transaction
    (void)verifier.verify([](const VerifiedTransaction&) {});
    verifier.add(Lane::transactions, real); // and later
    const std::vector<std::pair<IngressDrop, Bytes>> expected{
        {IngressDrop::bad_signature, forged(real)},
        {IngressDrop::duplicate, real},
        {IngressDrop::duplicate, real}};
    EXPECT_EQ(told, expected);
}

TEST_F(VerifierTest, a_copy_is_a_duplicate_in_the_same_batch_and_later)
{
    const Bytes real = transfer(alice_, 1);
    verifier_.add(Lane::transactions, real);
    verifier_.add(Lane::forwards, forward(genesis_of_sevens(), real));
    EXPECT_EQ(verify().size(), 1U);
    EXPECT_EQ(dropped(IngressDrop::duplicate), 1U);
    verifier_.add(Lane::transactions, real);
    EXPECT_EQ(verifier_.pending_count(), 0U) << "asked before the signature check";
    EXPECT_EQ(dropped(IngressDrop::duplicate), 2U);
    verifier_.add(Lane::transactions, forged(real)); // the message was seen: no signature check
    EXPECT_EQ(dropped(IngressDrop::duplicate), 3U);
    expect_balance();
}

TEST_F(VerifierTest, a_repeat_is_handed_over_again_once_the_filter_is_old)
{
    const Bytes real = transfer(alice_, 1);
    verifier_.add(Lane::transactions, real);
    EXPECT_EQ(verify().size(), 1U);
    for (int i = 0; i < DuplicateFilter::Options{}.generations_kept; ++i) {
        verifier_.next_generation();
    }
    verifier_.add(Lane::transactions, real);
    EXPECT_EQ(verify().size(), 1U);
}

TEST_F(VerifierTest, every_signature_of_a_transaction_must_be_good)
{
    const Bytes real = create_account(alice_, keypair(2));
    for (std::size_t i = 0; i < 2; ++i) {
        Bytes bad = real;
        bad[signature_offset + (64 * i) + 3] ^= 4;
        verifier_.add(Lane::transactions, bad);
    }
    EXPECT_TRUE(verify().empty());
    EXPECT_EQ(dropped(IngressDrop::bad_signature), 2U);
}

TEST_F(VerifierTest, each_reason_of_the_wire_has_its_counter)
{
    Hash elsewhere = genesis_of_sevens();
    elsewhere.bytes[2] = 0;
    const Bytes good = forward(genesis_of_sevens(), transfer(alice_, 1));
    Bytes other_version = good;
    other_version[0] = 2;
    verifier_.add(Lane::forwards, forward(elsewhere, transfer(alice_, 1)));
    verifier_.add(Lane::forwards, other_version);
    verifier_.add(Lane::forwards, ByteView(good).first(4));
    verifier_.add(Lane::forwards, Bytes(forward_bytes_max + 1));
    verifier_.add(Lane::transactions, {});
    verifier_.add(Lane::transactions, Bytes(wire_transaction_bytes_max + 1));
    verifier_.add(Lane::votes, transfer(alice_, 1));
    EXPECT_EQ(dropped(drop_of(WireError::wrong_cluster)), 1U);
    EXPECT_EQ(dropped(drop_of(WireError::wrong_version)), 1U);
    EXPECT_EQ(dropped(drop_of(WireError::too_short)), 2U);
    EXPECT_EQ(dropped(drop_of(WireError::too_long)), 2U);
    EXPECT_EQ(dropped(IngressDrop::wrong_lane), 1U);
    EXPECT_EQ(verifier_.pending_count(), 0U);
    expect_balance();
}

TEST_F(VerifierTest, a_transaction_refused_for_its_form_is_counted_under_that_reason)
{
    const Bytes real = transfer(alice_, 1);
    std::mt19937_64 random(5);
    std::array<std::uint64_t, ledger::transaction_error_count> expected{};
    for (int i = 0; i < 500; ++i) {
        Bytes changed = real;
        changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
        changed.resize(i % 3 == 0 ? random() % (real.size() + 5) : changed.size());
        const auto parsed = ledger::parse_transaction(changed);
        if (!parsed && !changed.empty()) {
            ++expected[static_cast<std::size_t>(parsed.error())];
            verifier_.add(Lane::transactions, changed);
        }
    }
    std::uint64_t kinds_seen_count = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(dropped(drop_of(static_cast<ledger::TransactionError>(i))), expected[i]);
        kinds_seen_count += expected[i] > 0 ? 1U : 0U;
    }
    EXPECT_GE(kinds_seen_count, 5U);
    expect_balance();
}

TEST_F(VerifierTest, the_verdict_equals_that_of_single_verification)
{
    std::mt19937_64 random(6);
    std::vector<crypto::Keypair> keys;
    for (std::uint8_t i = 0; i < 8; ++i) {
        keys.push_back(keypair(static_cast<std::uint8_t>(10 + i)));
    }
    std::uint64_t number = 0;
    for (int round = 0; round < 30; ++round) {
        std::vector<Bytes> expected;
        while (!verifier_.full() && (round % 3 != 0 || verifier_.pending_count() < 7)) {
            Bytes wire =
                random() % 3 == 0
                    ? create_account(keys[random() % 4],
                                     keypair(static_cast<std::uint8_t>(30 + (++number % 200))))
                    : transfer(keys[random() % keys.size()], ++number);
            if (random() % 4 == 0) {
                wire[signature_offset + (random() % 64)] ^=
                    static_cast<std::uint8_t>(1U << (random() % 8));
            }
            const auto parsed = ledger::parse_transaction(wire);
            ASSERT_TRUE(parsed.has_value());
            bool good = true;
            for (std::size_t i = 0; i < parsed->signature_count(); ++i) {
                const Pubkey key = parsed->account(i);
                const Signature signature = parsed->signature(i);
                good = good &&
                       crypto::ed25519_verify(
                           {.message = parsed->message(), .key = &key, .signature = &signature});
            }
            const std::size_t before = verifier_.pending_count();
            verifier_.add(Lane::transactions, wire);
            if (good && verifier_.pending_count() > before &&
                std::ranges::find(expected, wire) == expected.end()) {
                expected.push_back(wire);
            }
        }
        EXPECT_EQ(verify(), expected) << round;
    }
    EXPECT_GT(dropped(IngressDrop::bad_signature), 50U);
    expect_balance();
}

TEST(IngressDrop, every_reason_has_its_own_name)
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < ingress_drop_count; ++i) {
        names.push_back(to_string(static_cast<IngressDrop>(i)));
        EXPECT_EQ(names.back().find("unknown"), std::string::npos);
    }
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
    EXPECT_NE(std::ranges::find(names, "form.duplicate_account"), names.end());
}

} // namespace
} // namespace belfry::dataplane
