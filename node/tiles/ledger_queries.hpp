// SPDX-License-Identifier: Apache-2.0
#pragma once
// ledger_queries.hpp: completes the bank's answers with what the ledger on disk holds.
// Rule     a final block's outcomes come from the ledger, those of a block above finalized from the
//          bank's answer; both come out in the same text.
// Bounds   a text of answer_text_bytes_max; blocks_per_request_max slots in a list, read in pieces
//          so that no read transaction stays open for long.
// Errors   what cannot be read becomes one refused question; the writer finds out about the disk by
//          itself.
// Threads  one owner; the environment may have its writer in another thread.

#include "consensus/leader_schedule.hpp"
#include "ledger/model/block.hpp"
#include "ledger/model/genesis.hpp"
#include "ledger/model/transaction.hpp"
#include "ledger/store/address_index.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "node/messages.hpp"

#include <functional>
#include <string>
#include <utility>

namespace belfry::node {

/// A JSON-RPC error as the answer.
[[nodiscard]] inline ReplyBody refusal(RpcCode code, std::string message)
{
    return RpcRefusal{{code, std::move(message), {}}};
}
/// Whether an answer of the bank to this question may have to be completed.
[[nodiscard]] bool may_need_ledger(const Request& request);
/// Whether this answer of the bank is not the last word.
[[nodiscard]] bool needs_ledger(const Request& request, const ReplyBody& so_far);
/// The answer when the store has taken too long to write what the bank knows of.
[[nodiscard]] Reply not_on_disk(HistoryQuestion question);

class LedgerQueries {
public:
    struct Options {
        ledger::Genesis genesis;
        std::vector<Pubkey> validators; // in the order of genesis
    };
    /// env must outlive this object. index may be null: no search by address then.
    LedgerQueries(Options options, const ledger::LmdbEnv& env, const ledger::AddressIndex* index);

    /// nullopt: the bank knows of a block that the store has not written yet; ask again soon.
    [[nodiscard]] std::optional<Reply> complete(const HistoryQuestion& question);

private:
    using Body = std::optional<ReplyBody>;
    struct Loaded {
        ledger::BlockRef ref;
        ledger::BlockRef parent;
        Height height;
        Hash blockhash;
        std::vector<ledger::Transaction> transactions;
        std::vector<exec::TransactionOutcome> outcomes; // one each
    };

    [[nodiscard]] Body fill(const GetSignatureStatuses& question, StatusesAnswer so_far) const;
    [[nodiscard]] Body transaction(const GetTransaction& question,
                                   const TransactionPlaceAnswer& so_far);
    [[nodiscard]] Body block(const GetBlock& question, const BlockPlaceAnswer& so_far);
    [[nodiscard]] Body logs(const BlockPlaceAnswer& so_far);
    [[nodiscard]] Body blocks(const GetBlocks& question, const ChainAnswer& so_far) const;
    [[nodiscard]] Body block_time(const GetBlockTime& question, const ChainAnswer& so_far) const;
    [[nodiscard]] Body first_block() const;
    [[nodiscard]] Body proofs(const GetProofs& question) const;
    [[nodiscard]] Body by_address(const GetSignaturesForAddress& question,
                                  const UnfinalChainAnswer& so_far) const;
    struct AddressList;
    /// False: not all of it is stored yet.
    [[nodiscard]] Result<bool, ledger::StoreError> list_unfinal(const UnfinalChainAnswer& so_far,
                                                                AddressList& list) const;
    [[nodiscard]] Result<void, ledger::StoreError> list_final(Slot last, AddressList& list) const;
    [[nodiscard]] Body production(const GetBlockProduction& question, const ChainAnswer& so_far);

    /// statuses: of the block, or nullptr: its outcomes are read. Null inside: not stored (yet).
    [[nodiscard]] Result<std::optional<Loaded>, ledger::StoreError>
    load(const ledger::BlockRef& ref, const std::vector<exec::TransactionStatus>* statuses) const;
    [[nodiscard]] Result<std::optional<exec::TransactionOutcome>, ledger::StoreError>
    outcome_of(const Signature& signature) const;
    /// Final slots of [first, last], at most count_max.
    [[nodiscard]] Result<std::vector<Slot>, ledger::StoreError>
    final_slots(Slot first, Slot last, std::uint64_t count_max) const;
    [[nodiscard]] Body missing_block(Slot slot, Slot tip, Slot finalized) const;
    [[nodiscard]] Hash blockhash_of(const ledger::BlockRef& ref) const;
    /// By the slot clock since genesis, in Unix seconds: blocks carry no time. Or null.
    [[nodiscard]] std::string time_text(Slot slot) const;
    [[nodiscard]] std::string block_text(const Loaded& loaded, const GetBlock& question);
    [[nodiscard]] std::string rewards_text(const Loaded& loaded);

    Options options_;
    ledger::BlockReader blocks_;
    ledger::ProofReader proofs_;
    const ledger::AddressIndex* index_;
    consensus::LeaderSchedule schedule_;
};

} // namespace belfry::node
