// SPDX-License-Identifier: Apache-2.0
// instruction_fuzz: transactions of any instructions to the programs that are there, with any
// accounts and data: no lamport appears or is lost but the fees, no account is left below its rent,
// and another bank replays the block to the same state.
// Input    choices: accounts, signers and data of each instruction.
#include "base/check.hpp"
#include "exec/bank.hpp"
#include "tests/base/choices.hpp"
#include "tests/exec/support.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace belfry;             // NOLINT(google-build-using-namespace)
using namespace belfry::exec;       // NOLINT(google-build-using-namespace)
using namespace belfry::exec::test; // NOLINT(google-build-using-namespace)

constexpr std::size_t wallet_count = 6;
constexpr std::size_t funded_count = 4;

const std::vector<crypto::InsecureSigningKey>& keys()
{
    static const std::vector<crypto::InsecureSigningKey> only = wallets(wallet_count);
    return only;
}

ledger::Genesis genesis()
{
    ledger::Genesis made = small_genesis({keys().begin(), keys().begin() + funded_count});
    made.ticks_per_slot = 1;
    made.hashes_per_tick = 20;
    return made;
}

/// What the system program reads: a number, then amount, space and owner as far as it has them.
void system_data(Choices& choices, ByteWriter& out)
{
    const std::uint32_t tags[] = {0, 1, 2, 8, 2, 0, 3, 256};
    const std::uint64_t amounts[] = {0, 1, rent_minimum, 10 * sol, 1000 * sol, UINT64_MAX};
    const std::uint64_t spaces[] = {0, 1, 200, 10 << 20, (10 << 20) + 1, UINT64_MAX};
    const std::uint32_t tag = tags[choices() % std::size(tags)];
    out.u32(tag);
    if (tag % 2 == 0 && tag != 8) {
        out.u64(amounts[choices() % std::size(amounts)]);
    }
    if (tag % 8 == 0) {
        out.u64(spaces[choices() % std::size(spaces)]);
    }
    out.bytes(choices() % 2 == 0 ? ledger::system_program.view() : keys()[1].pubkey.view());
}

void budget_data(Choices& choices, ByteWriter& out)
{
    const std::uint32_t values[] = {0, 1, 150, 32'768, 65'536, 100'000, 262'144, UINT32_MAX};
    out.u8(static_cast<std::uint8_t>(choices() % 6));
    out.u32(values[choices() % std::size(values)]);
    if (choices() % 2 == 0) {
        out.u32(0);
    }
}

ledger::Instruction instruction(Choices& choices)
{
    ledger::Instruction made;
    for (std::uint64_t count = 1 + choices() % 3; count > 0; --count) {
        const std::uint64_t flags = choices();
        made.accounts.push_back({.key = keys()[choices() % wallet_count].pubkey,
                                 .is_signer = flags % 2 != 0,
                                 .is_writable = flags % 16 < 14});
    }
    ByteWriter out(made.data);
    const std::uint64_t which = choices();
    if (which % 8 < 5) {
        made.program = ledger::system_program;
        system_data(choices, out);
    } else if (which % 8 < 7) {
        made.program = ledger::compute_budget_program;
        budget_data(choices, out);
    } else {
        made.program = keys()[0].pubkey; // no program
    }
    made.data.resize(std::min(made.data.size(), choices() % 8 == 7 ? choices.up_to(80) : 80));
    return made;
}

std::uint64_t total(const Bank& bank, const Hash& block)
{
    const ledger::RentParameters rent = genesis().rent;
    std::uint64_t sum = 0;
    for (const crypto::InsecureSigningKey& key : keys()) {
        const auto account = bank.account(block, key.pubkey);
        if (account && account->lamports.value != 0) {
            sum += account->lamports.value;
            BELFRY_CHECK(account->data.size() <= 10U << 20);
            BELFRY_CHECK(account->lamports >= rent.exempt_minimum(account->data.size()));
        }
    }
    return sum;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Choices choices(ByteView(data, size));
    const Bank::Options options{.threads = 1, .verify_signatures = false};
    Bank builder(genesis(), options);
    Bank follower(genesis(), options);
    const Hash parent = builder.genesis_hash();
    std::vector<ledger::Transaction> transactions;
    for (int i = 0; choices.more() && i < 8; ++i) {
        std::vector<ledger::Instruction> instructions;
        for (std::uint64_t count = 1 + choices() % 3; count > 0; --count) {
            instructions.push_back(instruction(choices));
        }
        const Bytes message = ledger::build_message(
            {.fee_payer = keys()[choices() % wallet_count].pubkey, .recent_blockhash = parent},
            instructions);
        std::vector<Signature> signatures(message.at(0)); // all different, none is looked at
        for (Signature& signature : signatures) {
            signature.bytes[0] = static_cast<std::uint8_t>(i + 1);
        }
        const auto parsed =
            ledger::parse_transaction(ledger::assemble_transaction(signatures, message));
        if (parsed) {
            transactions.push_back(*parsed);
        }
    }
    const BuiltBlock built =
        build(builder, {.parent = parent, .slot = Slot{1}, .transactions = transactions});
    std::uint64_t fees = 0;
    for (const TransactionStatus& status : built.statuses) {
        fees += status.fee.value;
    }
    const std::uint64_t leader_share = total(builder, parent) - total(builder, built.block.ref.id);
    BELFRY_CHECK(leader_share == fees);
    const auto replayed = follower.replay(built.block, leader());
    BELFRY_CHECK(replayed && (*replayed)->state_hash() == built.state->state_hash());
    return 0;
}
