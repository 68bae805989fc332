// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_bulk_sign.hpp"
#include "ledger/model/transaction.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "tests/ledger/wire_transaction.hpp"

#include <gtest/gtest.h>

namespace belfry::ledger {
namespace {

// The published transactions were made with keys of these: seeds of 32 equal bytes.
class TransactionBuilder : public testing::Test {
protected:
    const Pubkey payer = signer_key(0);
    const Pubkey receiver = signer_key(1);
};

Hash published_blockhash()
{
    Hash hash;
    hash.bytes.fill(9);
    return hash;
}

Bytes signed_by(std::initializer_list<std::uint8_t> seeds, ByteView message)
{
    std::vector<Signature> signatures(seeds.size());
    std::size_t i = 0;
    for (const std::uint8_t seed : seeds) {
        const auto key = crypto::InsecureSigningKey::from_seed(Bytes(32, seed));
        const crypto::InsecureSignJob job{
            .key = &key, .message = message, .signature = &signatures[i++]};
        crypto::insecure_sign_many(std::span(&job, 1));
    }
    return assemble_transaction(signatures, message);
}

TEST_F(TransactionBuilder, makes_the_published_transfers_byte_for_byte)
{
    const std::vector instructions{
        system_transfer({.from = payer, .to = receiver, .lamports = Lamports{42}})};
    const Bytes legacy = build_message(
        {.fee_payer = payer, .recent_blockhash = published_blockhash()}, instructions);
    EXPECT_EQ(to_hex(signed_by({1}, legacy)), to_hex(golden_wire("legacy_transfer_42")));
    const Bytes v0 = build_message(
        {.fee_payer = payer, .recent_blockhash = published_blockhash(), .version_0 = true},
        instructions);
    EXPECT_EQ(to_hex(signed_by({1}, v0)), to_hex(golden_wire("v0_transfer_42")));
}

TEST_F(TransactionBuilder, makes_the_published_account_creation_byte_for_byte)
{
    const std::vector instructions{system_create_account({.from = payer,
                                                          .new_account = receiver,
                                                          .lamports = Lamports{890'880},
                                                          .space_bytes = 0,
                                                          .owner = Pubkey{}})};
    const Bytes message = build_message(
        {.fee_payer = payer, .recent_blockhash = published_blockhash()}, instructions);
    EXPECT_EQ(to_hex(signed_by({1, 2}, message)), to_hex(golden_wire("legacy_create_account")));
}

TEST_F(TransactionBuilder, makes_the_published_priced_transfer_byte_for_byte)
{
    const std::vector instructions{
        compute_unit_limit(450), compute_unit_price(1000),
        system_transfer({.from = payer, .to = receiver, .lamports = Lamports{42}})};
    const Bytes message = build_message(
        {.fee_payer = payer, .recent_blockhash = published_blockhash()}, instructions);
    EXPECT_EQ(to_hex(signed_by({1}, message)), to_hex(golden_wire("legacy_transfer_with_budget")));
}

TEST_F(TransactionBuilder, twenty_one_distinct_transfers_fit_and_twenty_two_do_not)
{
    std::vector<Instruction> instructions;
    const auto wire = [&] {
        const Bytes message = build_message(
            {.fee_payer = payer, .recent_blockhash = published_blockhash()}, instructions);
        return signed_by({1}, message);
    };
    for (std::uint8_t i = 0; i < 21; ++i) {
        instructions.push_back(system_transfer(
            {.from = payer, .to = address(static_cast<std::uint8_t>(100 + i)), .lamports = {1}}));
    }
    EXPECT_EQ(wire().size(), 1195U);
    EXPECT_TRUE(parse_transaction(wire()).has_value());
    instructions.push_back(system_transfer({.from = payer, .to = address(99), .lamports = {1}}));
    EXPECT_EQ(wire().size(), 1244U);
    EXPECT_EQ(parse_transaction(wire()).error(), TransactionError::too_large);
}

TEST_F(TransactionBuilder, gives_a_key_that_is_named_twice_the_union_of_its_rights)
{
    Instruction reads{.program = address(50),
                      .accounts = {{.key = receiver, .is_signer = true, .is_writable = false},
                                   {.key = address(3), .is_signer = false, .is_writable = false}},
                      .data = {}};
    Instruction writes{.program = address(40),
                       .accounts = {{.key = address(3), .is_signer = false, .is_writable = true},
                                    {.key = address(2), .is_signer = false, .is_writable = true}},
                       .data = {7}};
    const Bytes message =
        build_message({.fee_payer = payer, .recent_blockhash = {}}, std::vector{reads, writes});
    const auto parsed = parse_transaction(signed_by({1, 2}, message));
    ASSERT_TRUE(parsed.has_value()) << to_string(parsed.error());
    const std::vector<Pubkey> order{payer,      receiver,    address(2),
                                    address(3), address(40), address(50)};
    ASSERT_EQ(parsed->account_count(), order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        EXPECT_EQ(parsed->account(i), order[i]) << i;
        EXPECT_EQ(parsed->is_signer(i), i < 2) << i;
        EXPECT_EQ(parsed->is_writable(i), i == 0 || i == 2 || i == 3) << i;
    }
}

} // namespace
} // namespace belfry::ledger
