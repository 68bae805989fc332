// SPDX-License-Identifier: Apache-2.0
// Bytes become the stream of a block, and transactions that are made payable: whatever they are, no
// check of the bank fails, and what one bank builds another one replays to the same state.
// Input    u16 length | bytes, repeated: transactions. All of it once more as a raw stream.
#include "base/check.hpp"
#include "crypto/sha256.hpp"
#include "exec/bank.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace belfry; // NOLINT(google-build-using-namespace)

[[nodiscard]] Pubkey payer()
{
    return Pubkey{{1, 2, 3}};
}

[[nodiscard]] ledger::Genesis small_genesis()
{
    ledger::Genesis genesis;
    genesis.ticks_per_slot = 1;
    genesis.hashes_per_tick = 4;
    genesis.validators.push_back({"one", payer(), Stake{1}});
    ledger::Account account;
    account.lamports = Lamports{1'000'000'000'000};
    genesis.accounts.push_back({payer(), account});
    return genesis;
}

/// The same transaction with a payer that has money and a blockhash that is known.
[[nodiscard]] std::optional<ledger::Transaction> made_payable(ByteView wire, const Hash& blockhash)
{
    const auto parsed = ledger::parse_transaction(wire);
    if (!parsed) {
        return std::nullopt;
    }
    Bytes changed(wire.begin(), wire.end());
    const auto overwrite = [&](ByteView old_bytes, ByteView new_bytes) {
        const auto at =
            std::search(changed.begin(), changed.end(), old_bytes.begin(), old_bytes.end());
        std::copy(new_bytes.begin(), new_bytes.end(), at);
    };
    overwrite(parsed->fee_payer().view(), payer().view());
    overwrite(parsed->recent_blockhash().view(), blockhash.view());
    const auto again = ledger::parse_transaction(changed);
    return again ? std::optional(*again) : std::nullopt;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ledger::Genesis genesis = small_genesis();
    const exec::Bank::Options options{.threads = 1, .verify_signatures = false};
    exec::Bank builder_bank(genesis, options);
    exec::Bank replay_bank(genesis, options);

    ledger::Block block;
    block.ref = {Slot{1}, crypto::sha256(Bytes{1})};
    block.parent = {Slot{0}, replay_bank.genesis_hash()};
    block.stream.assign(data, data + size);
    (void)replay_bank.replay(block, payer());

    std::vector<ledger::Transaction> transactions;
    ByteReader in(ByteView(data, size));
    while (in.ok() && in.left() > 0 && transactions.size() < 64) {
        const auto made = made_payable(in.bytes(in.u16()), builder_bank.genesis_hash());
        if (made) {
            transactions.push_back(*made);
        }
    }
    std::vector<const ledger::Transaction*> pointers;
    for (const ledger::Transaction& one : transactions) {
        pointers.push_back(&one);
    }
    auto builder =
        builder_bank.start_block({Slot{1}, builder_bank.genesis_hash(), payer()}).value();
    (void)builder->add(pointers);
    const exec::BlockFooter footer = builder->finish();
    block.stream = builder->take_stream();
    block.ref.id = crypto::sha256(Bytes{2});
    const auto replayed = replay_bank.replay(block, payer());
    BELFRY_CHECK(replayed && (*replayed)->state_hash() == footer.state_hash);
    return 0;
}
