// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/sha256.hpp"
#include "ledger/model/program_ids.hpp"
#include "ledger/model/transaction.hpp"
#include "tests/ledger/seeded.hpp"
#include "tests/ledger/wire_transaction.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

namespace belfry::ledger {
namespace {

/// What the parser says of these bytes; nullopt when it accepts them.
std::optional<TransactionError> verdict(ByteView wire)
{
    const Result<Transaction, TransactionError> parsed = parse_transaction(wire);
    return parsed ? std::nullopt : std::optional(parsed.error());
}

std::optional<TransactionError> verdict(const WireTransaction& transaction)
{
    return verdict(transaction.encode());
}

class GoldenTransaction : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Clients, GoldenTransaction,
                         testing::Values("legacy_transfer_42", "legacy_create_account",
                                         "legacy_transfer_with_budget", "v0_transfer_42"));

TEST_P(GoldenTransaction, parses_keeps_its_bytes_and_its_signatures_sign_its_message)
{
    const Bytes wire = golden_wire(GetParam());
    const Result<Transaction, TransactionError> parsed = parse_transaction(wire);
    ASSERT_TRUE(parsed.has_value()) << to_string(parsed.error());
    EXPECT_TRUE(std::ranges::equal(parsed->wire(), wire));
    EXPECT_EQ(crypto::to_base58(parsed->signature(0)), golden_signature(GetParam()));
    EXPECT_EQ(parsed->message_hash(), crypto::sha256(parsed->message()));
    for (std::size_t i = 0; i < parsed->signature_count(); ++i) {
        const Pubkey key = parsed->account(i);
        const Signature signature = parsed->signature(i);
        EXPECT_TRUE(crypto::ed25519_verify(
            {.message = parsed->message(), .key = &key, .signature = &signature}));
    }
}

TEST_P(GoldenTransaction, cut_at_every_length_is_refused_as_truncated)
{
    const Bytes wire = golden_wire(GetParam());
    for (std::size_t length = 0; length < wire.size(); ++length) {
        ASSERT_EQ(verdict(ByteView(wire).first(length)), TransactionError::truncated) << length;
    }
}

TEST(Transaction, the_fields_of_the_published_transfer_are_read)
{
    const auto parsed = parse_transaction(golden_wire("legacy_transfer_42"));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->version(), MessageVersion::legacy);
    EXPECT_EQ(crypto::to_base58(parsed->fee_payer()),
              "AKnL4NNf3DGWZJS6cPknBuEGnVsV4A4m5tgebLHaRSZ9");
    EXPECT_EQ(crypto::to_base58(parsed->account(1)),
              "9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBu");
    EXPECT_EQ(parsed->account(2), system_program);
    EXPECT_EQ(crypto::to_base58(parsed->recent_blockhash()),
              "cGfHiC6Kgg3FpFZvgwGcswsCRtp4aBP2fzuXRQPizuN");
    ASSERT_EQ(parsed->instruction_count(), 1U);
    const InstructionView instruction = parsed->instruction(0);
    EXPECT_EQ(instruction.program_index, 2);
    EXPECT_TRUE(std::ranges::equal(instruction.accounts, std::array<std::uint8_t, 2>{0, 1}));
    EXPECT_EQ(to_hex(instruction.data), "020000002a00000000000000");
    EXPECT_TRUE(parsed->is_signer(0) && parsed->is_writable(0));
    EXPECT_TRUE(!parsed->is_signer(1) && parsed->is_writable(1));
    EXPECT_TRUE(!parsed->is_signer(2) && !parsed->is_writable(2));
}

TEST(Transaction, all_three_instructions_of_the_priced_transfer_are_reached)
{
    const auto parsed = parse_transaction(golden_wire("legacy_transfer_with_budget"));
    ASSERT_TRUE(parsed.has_value());
    ASSERT_EQ(parsed->instruction_count(), 3U);
    EXPECT_EQ(parsed->account(parsed->instruction(0).program_index), compute_budget_program);
    EXPECT_EQ(to_hex(parsed->instruction(1).data), "03e803000000000000");
    EXPECT_EQ(to_hex(parsed->instruction(2).data), "020000002a00000000000000");
}

TEST(Transaction, a_v0_message_is_signed_with_its_prefix)
{
    const auto parsed = parse_transaction(golden_wire("v0_transfer_42"));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->version(), MessageVersion::v0);
    EXPECT_EQ(parsed->message().front(), 0x80);
}

TEST(Transaction, a_readonly_signer_is_told_from_a_writable_one)
{
    WireTransaction wire = sound_transfer();
    wire.signatures.resize(3);
    wire.required_signature_count = 3;
    wire.readonly_signed_count = 1;
    wire.keys = {signer_key(0), signer_key(1), signer_key(2), address(9), Pubkey{}};
    wire.instructions.front().program_index = 4;
    const auto parsed = parse_transaction(wire.encode());
    ASSERT_TRUE(parsed.has_value()) << to_string(parsed.error());
    std::string rights;
    for (std::size_t i = 0; i < parsed->account_count(); ++i) {
        rights += parsed->is_signer(i) ? 's' : '-';
        rights += parsed->is_writable(i) ? 'w' : 'r';
    }
    EXPECT_EQ(rights, "swswsr-w-r");
}

TEST(Transaction, the_version_after_next_and_lookup_tables_are_refused_by_name)
{
    EXPECT_EQ(verdict(golden_wire("v1_transfer_42")), TransactionError::unsupported_v1);
    EXPECT_EQ(verdict(golden_wire("v0_transfer_alt")), TransactionError::lookup_table);
    for (unsigned version = 0x81; version <= 0xff; ++version) {
        WireTransaction wire = sound_transfer();
        wire.version = static_cast<std::uint8_t>(version);
        wire.tail = {0};
        EXPECT_EQ(verdict(wire), TransactionError::unsupported_version) << version;
    }
}

TEST(Transaction, the_transfer_that_all_mutants_start_from_is_sound)
{
    EXPECT_EQ(verdict(sound_transfer()), std::nullopt);
    WireTransaction v0 = sound_transfer();
    v0.version = 0x80;
    v0.tail = {0};
    EXPECT_EQ(verdict(v0), std::nullopt);
}

TEST(Transaction, longer_than_1232_bytes_is_refused_and_1232_are_not)
{
    WireTransaction wire = sound_transfer();
    const std::size_t rest = wire.encode().size();
    wire.instructions.front().data.resize(12 + transaction_bytes_max - rest - 1); // 2-byte count
    ASSERT_EQ(wire.encode().size(), transaction_bytes_max);
    EXPECT_EQ(verdict(wire), std::nullopt);
    wire.instructions.front().data.push_back(0);
    EXPECT_EQ(verdict(wire), TransactionError::too_large);
}

TEST(Transaction, bytes_after_the_message_are_refused)
{
    WireTransaction wire = sound_transfer();
    wire.tail = {0};
    EXPECT_EQ(verdict(wire), TransactionError::trailing_bytes);
    wire.version = 0x80;
    wire.tail = {0, 0};
    EXPECT_EQ(verdict(wire), TransactionError::trailing_bytes);
}

TEST(Transaction, a_second_encoding_of_a_count_is_refused_wherever_a_count_stands)
{
    WireTransaction sound = sound_transfer();
    sound.signatures.resize(2); // with one, 0x81 at the front would mean another version
    sound.required_signature_count = 2;
    const Bytes wire = sound.encode();
    EXPECT_EQ(verdict(wire), std::nullopt);
    // Offsets of the counts: signatures, keys, instructions, accounts, data.
    const std::size_t keys = 1 + 128 + 3;
    const std::size_t instructions = keys + 1 + 96 + 32;
    for (const std::size_t at :
         {std::size_t{0}, keys, instructions, instructions + 2, instructions + 5}) {
        Bytes longer = wire;
        longer[at] = static_cast<std::uint8_t>(longer[at] | 0x80);
        longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at) + 1, 0);
        EXPECT_EQ(verdict(longer), TransactionError::bad_count) << at;
    }
}

TEST(Transaction, without_a_signature_it_is_refused)
{
    WireTransaction wire = sound_transfer();
    wire.signatures.clear();
    wire.required_signature_count = 0;
    EXPECT_EQ(verdict(wire), TransactionError::no_signature);
}

TEST(Transaction, more_or_fewer_signatures_than_the_header_asks_for_are_refused)
{
    WireTransaction more = sound_transfer();
    more.signatures.resize(2);
    EXPECT_EQ(verdict(more), TransactionError::signature_count_mismatch);
    WireTransaction fewer = sound_transfer();
    fewer.required_signature_count = 2;
    EXPECT_EQ(verdict(fewer), TransactionError::signature_count_mismatch);
}

TEST(Transaction, a_fee_payer_that_is_not_writable_is_refused)
{
    WireTransaction wire = sound_transfer();
    wire.readonly_signed_count = 1;
    EXPECT_EQ(verdict(wire), TransactionError::no_writable_signer);
    wire.readonly_signed_count = 200;
    EXPECT_EQ(verdict(wire), TransactionError::no_writable_signer);
}

TEST(Transaction, a_header_that_counts_more_keys_than_there_are_is_refused)
{
    WireTransaction wire = sound_transfer();
    wire.readonly_unsigned_count = 2; // all but the signer
    EXPECT_EQ(verdict(wire), std::nullopt);
    wire.readonly_unsigned_count = 3;
    EXPECT_EQ(verdict(wire), TransactionError::header_exceeds_keys);
}

TEST(Transaction, more_than_64_keys_are_refused_by_name)
{
    WireTransaction wire = sound_transfer();
    for (std::uint8_t i = 0; wire.keys.size() < 65; ++i) {
        wire.keys.push_back(address(static_cast<std::uint8_t>(100 + i)));
    }
    const Bytes bytes = wire.encode();
    EXPECT_EQ(verdict(ByteView(bytes).first(1232)), TransactionError::too_many_accounts);
}

TEST(Transaction, the_same_key_twice_is_refused_at_every_pair_of_places)
{
    for (std::size_t a = 0; a < 5; ++a) {
        for (std::size_t b = a + 1; b < 5; ++b) {
            WireTransaction wire = sound_transfer();
            wire.keys = {signer_key(0), signer_key(1), address(7), address(8), Pubkey{}};
            wire.keys[b] = wire.keys[a];
            EXPECT_EQ(verdict(wire), TransactionError::duplicate_account) << a << ' ' << b;
        }
    }
}

TEST(Transaction, sixty_four_instructions_pass_and_one_more_is_refused)
{
    WireTransaction wire = sound_transfer();
    wire.instructions.assign(64, {.program_index = 2, .accounts = {}, .data = {}});
    EXPECT_EQ(verdict(wire), std::nullopt);
    wire.instructions.push_back(wire.instructions.back());
    EXPECT_EQ(verdict(wire), TransactionError::too_many_instructions);
}

TEST(Transaction, a_program_index_beyond_the_keys_is_refused)
{
    for (unsigned index = 3; index <= 255; ++index) {
        WireTransaction wire = sound_transfer();
        wire.instructions.front().program_index = static_cast<std::uint8_t>(index);
        EXPECT_EQ(verdict(wire), TransactionError::program_index_out_of_range) << index;
    }
}

TEST(Transaction, the_fee_payer_as_program_is_refused)
{
    WireTransaction wire = sound_transfer();
    wire.instructions.front().program_index = 0;
    EXPECT_EQ(verdict(wire), TransactionError::program_is_fee_payer);
}

TEST(Transaction, an_account_index_beyond_the_keys_is_refused)
{
    for (unsigned index = 3; index <= 255; ++index) {
        WireTransaction wire = sound_transfer();
        wire.instructions.front().accounts.back() = static_cast<std::uint8_t>(index);
        EXPECT_EQ(verdict(wire), TransactionError::account_index_out_of_range) << index;
    }
}

TEST(Transaction, a_small_order_or_non_canonical_signer_is_refused_and_such_an_address_is_not)
{
    Pubkey identity; // y = 1: the neutral element
    identity.bytes[0] = 1;
    Pubkey non_canonical; // y = p + 3
    non_canonical.bytes.fill(0xff);
    non_canonical.bytes[0] = 0xf0;
    non_canonical.bytes[31] = 0x7f;
    for (const Pubkey& key : {identity, non_canonical}) {
        WireTransaction payer = sound_transfer();
        payer.keys[0] = key;
        EXPECT_EQ(verdict(payer), TransactionError::key_not_admissible);
        WireTransaction second = sound_transfer();
        second.signatures.resize(2);
        second.required_signature_count = 2;
        second.keys[1] = key;
        EXPECT_EQ(verdict(second), TransactionError::key_not_admissible);
        WireTransaction receiver = sound_transfer();
        receiver.keys[1] = key;
        EXPECT_EQ(verdict(receiver), std::nullopt);
    }
}

TEST(Transaction, every_error_has_its_own_name)
{
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < transaction_error_count; ++i) {
        names.insert(to_string(static_cast<TransactionError>(i)));
    }
    EXPECT_EQ(names.size(), transaction_error_count);
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(to_string(static_cast<TransactionError>(transaction_error_count)), "unknown");
}

TEST(Transaction, whatever_parses_can_be_asked_everything_and_encodes_to_itself)
{
    constexpr unsigned seed = 20'260'101;
    std::mt19937 random = seeded(seed);
    const std::array names{"legacy_transfer_42", "legacy_create_account", "v0_transfer_42",
                           "v0_transfer_alt", "legacy_transfer_with_budget"};
    std::size_t accepted = 0;
    for (int round = 0; round < 200'000; ++round) {
        Bytes wire = golden_wire(names[random() % names.size()]);
        for (auto change = random() % 4; change > 0; --change) {
            wire[random() % wire.size()] = static_cast<std::uint8_t>(random());
        }
        if (random() % 4 == 0) {
            wire.resize(random() % (transaction_bytes_max + 3));
        }
        const auto parsed = parse_transaction(wire);
        if (!parsed) {
            continue;
        }
        ++accepted;
        ASSERT_TRUE(std::ranges::equal(parsed->wire(), wire)) << "seed " << seed;
        // Written again from what the accessors say, by the model of this test.
        WireTransaction again;
        again.version = parsed->version() == MessageVersion::v0 ? std::optional<std::uint8_t>(0x80)
                                                                : std::nullopt;
        again.required_signature_count = parsed->header().required_signature_count;
        again.readonly_signed_count = parsed->header().readonly_signed_count;
        again.readonly_unsigned_count = parsed->header().readonly_unsigned_count;
        for (std::size_t i = 0; i < parsed->signature_count(); ++i) {
            again.signatures.push_back(parsed->signature(i));
        }
        for (std::size_t i = 0; i < parsed->account_count(); ++i) {
            again.keys.push_back(parsed->account(i));
        }
        again.blockhash = parsed->recent_blockhash();
        for (std::size_t i = 0; i < parsed->instruction_count(); ++i) {
            const InstructionView view = parsed->instruction(i);
            again.instructions.push_back({.program_index = view.program_index,
                                          .accounts = {view.accounts.begin(), view.accounts.end()},
                                          .data = {view.data.begin(), view.data.end()}});
        }
        again.tail = again.version ? Bytes{0} : Bytes{};
        ASSERT_EQ(again.encode(), wire) << "seed " << seed << " round " << round;
    }
    EXPECT_GT(accepted, 1000U);
}

TEST(ProgramIds, are_the_bytes_of_their_published_names)
{
    const auto decoded = [](std::string_view text) {
        return crypto::fixed_from_base58<Pubkey>(text);
    };
    EXPECT_EQ(system_program, decoded("11111111111111111111111111111111"));
    EXPECT_EQ(compute_budget_program, decoded("ComputeBudget111111111111111111111111111111"));
    EXPECT_EQ(vote_program, decoded("Vote111111111111111111111111111111111111111"));
    EXPECT_EQ(stake_program, decoded("Stake11111111111111111111111111111111111111"));
    EXPECT_EQ(ed25519_program, decoded("Ed25519SigVerify111111111111111111111111111"));
    EXPECT_EQ(lookup_table_program, decoded("AddressLookupTab1e1111111111111111111111111"));
    EXPECT_EQ(memo_program, decoded("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"));
    EXPECT_EQ(native_loader, decoded("NativeLoader1111111111111111111111111111111"));
}

} // namespace
} // namespace belfry::ledger
