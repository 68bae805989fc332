// SPDX-License-Identifier: Apache-2.0
#include "exec/block_state.hpp"

#include "ledger/model/transaction.hpp"

namespace belfry::exec {

void encode(const Anchor& anchor, ByteWriter& out)
{
    for (const ledger::BlockRef& ref : {anchor.block, anchor.parent}) {
        out.u64(ref.slot.value);
        out.bytes(ref.id.view());
    }
    out.u64(anchor.height.value);
    out.bytes(anchor.parent_state_hash.view());
    out.bytes(anchor.state_hash.view());
    out.bytes(anchor.blockhash.view());
    out.u64(anchor.transaction_count);
    out.u64(anchor.fees_burnt.value);
}

Anchor decode_anchor(ByteReader& in)
{
    Anchor anchor;
    for (ledger::BlockRef* ref : {&anchor.block, &anchor.parent}) {
        ref->slot = Slot{in.u64()};
        ref->id = in.fixed<Hash>();
    }
    anchor.height = Height{in.u64()};
    anchor.parent_state_hash = in.fixed<Hash>();
    anchor.state_hash = in.fixed<Hash>();
    anchor.blockhash = in.fixed<Hash>();
    anchor.transaction_count = in.u64();
    anchor.fees_burnt = Lamports{in.u64()};
    return anchor;
}

void encode(const TransactionStatus& status, ByteWriter& out)
{
    out.bytes(status.message_hash.view());
    out.bytes(status.first_signature.view());
    encode(status.error, out);
    out.u64(status.fee.value);
}

void encode_outcome(const TransactionStatus& status, ByteWriter& out)
{
    encode(status.error, out);
    out.u64(status.fee.value);
    out.u32(status.compute_units);
    for (const std::uint64_t lamports : status.balances) {
        out.u64(lamports);
    }
}

std::optional<TransactionOutcome> decode_outcome(ByteReader& in)
{
    constexpr std::size_t balances_max = 2 * ledger::transaction_accounts_max;
    TransactionOutcome outcome;
    const std::optional<TransactionError> error = decode_transaction_error(in);
    outcome.fee = Lamports{in.u64()};
    outcome.compute_units = in.u32();
    while (in.ok() && !in.finished() && outcome.balances.size() < balances_max) {
        outcome.balances.push_back(in.u64());
    }
    if (!error || !in.finished() || outcome.balances.size() % 2 != 0) {
        return std::nullopt;
    }
    outcome.error = *error;
    return outcome;
}

std::optional<TransactionStatus> decode_transaction_status(ByteReader& in)
{
    TransactionStatus status;
    status.message_hash = in.fixed<Hash>();
    status.first_signature = in.fixed<Signature>();
    const std::optional<TransactionError> error = decode_transaction_error(in);
    status.fee = Lamports{in.u64()};
    if (!error || !in.ok()) {
        return std::nullopt;
    }
    status.error = *error;
    return status;
}

} // namespace belfry::exec
