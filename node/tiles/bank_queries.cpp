// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/bank_queries.hpp"

#include "base/check.hpp"
#include "node/tiles/bank_account_queries.hpp"
#include "node/tiles/bank_chain_queries.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::uint64_t confirmations_max = 31; // deeper is the root, for Solana's clients

/// One question at a time; operator() is chosen by the kind of question.
class Answerer {
public:
    Answerer(const QueryContext& context, Reply& reply)
        : context_(context)
        , reply_(reply)
    {
    }

    ReplyBody operator()(const GetSlot& question)
    {
        return NumberAnswer{at(question.commitment).slot().value};
    }
    ReplyBody operator()(const GetBlockHeight& question)
    {
        return NumberAnswer{at(question.commitment).height().value};
    }
    ReplyBody operator()(const GetTransactionCount& question)
    {
        return NumberAnswer{at(question.commitment).anchor.transaction_count};
    }
    ReplyBody operator()(const GetEpochInfo& question)
    {
        const exec::BlockState& block = at(question.commitment);
        const Epoch epoch = context_.schedule.epoch_at(block.slot());
        return EpochInfoAnswer{.absolute_slot = block.slot(),
                               .block_height = block.height(),
                               .epoch = epoch,
                               .slot_index =
                                   block.slot().value - context_.schedule.first_slot(epoch).value,
                               .slots_in_epoch = context_.genesis.slots_per_epoch,
                               .transaction_count = block.anchor.transaction_count};
    }
    ReplyBody operator()(const GetBalance& question)
    {
        const exec::BlockState& block = at(question.commitment);
        const std::optional<ledger::Account> account =
            context_.bank.account(block.id(), question.account);
        return BalanceAnswer{account ? account->lamports : Lamports{}};
    }
    ReplyBody operator()(const GetStakeMinimum& question)
    {
        (void)at(question.commitment);
        return BalanceAnswer{Lamports{1}}; // genesis wants more than nothing, and nobody delegates
    }
    ReplyBody operator()(const GetLatestBlockhash& question)
    {
        const exec::BlockState& block = at(question.commitment);
        const auto latest = context_.bank.latest_blockhash(block.id());
        BELFRY_CHECK(latest.has_value());
        return BlockhashAnswer{latest->blockhash, latest->last_valid_height};
    }
    ReplyBody operator()(const IsBlockhashValid& question)
    {
        const exec::BlockState& block = at(question.commitment);
        return ValidAnswer{
            context_.bank.is_blockhash_valid(block.id(), question.blockhash).value_or(false)};
    }
    ReplyBody operator()(const GetFeeForMessage& question);
    ReplyBody operator()(const GetSignatureStatuses& question);
    ReplyBody operator()(const GetSlotLeaders& question);
    ReplyBody operator()(const GetLeaderSchedule& question);
    ReplyBody operator()(const SendTransaction& question);
    ReplyBody operator()(const GetBlockSummary& question);
    ReplyBody operator()(const GetAccounts& question)
    {
        return accounts_at(context_, at(question.commitment), question);
    }
    ReplyBody operator()(const SimulateTransaction& question)
    {
        return simulate_at(context_, at(question.commitment), question);
    }
    ReplyBody operator()(const RequestAirdrop& question)
    {
        return airdrop_at(context_, at(question.commitment), question);
    }
    ReplyBody operator()(const GetSupply& question)
    {
        const exec::BlockState& block = at(question.commitment);
        return SupplyAnswer{Lamports{ledger::total_lamports(context_.genesis).value -
                                     block.anchor.fees_burnt.value}};
    }
    ReplyBody operator()(const GetTransaction& question)
    {
        return transaction_place(context_, at(question.commitment), question);
    }
    ReplyBody operator()(const GetBlock& question)
    {
        return block_place(context_, at(question.commitment), question.slot);
    }
    ReplyBody operator()(const GetBlockLogs& question)
    {
        (void)at(Commitment::processed);
        return logs_place(context_, question);
    }
    ReplyBody operator()(const GetBlocks& question)
    {
        return chain_above(context_, at(question.commitment));
    }
    ReplyBody operator()(const GetBlockTime&)
    {
        return chain_above(context_, at(Commitment::confirmed));
    }
    ReplyBody operator()(const GetFirstAvailableBlock&) { return final_chain(); }
    ReplyBody operator()(const GetProofs&) { return final_chain(); }
    ReplyBody operator()(const GetSignaturesForAddress& question)
    {
        return unfinal_chain(context_, at(question.commitment));
    }
    ReplyBody operator()(const GetBlockProduction&) { return final_chain(); }
    ReplyBody operator()(const GetRecentPerformanceSamples& question)
    {
        (void)at(Commitment::finalized);
        return performance(context_, question);
    }
    ReplyBody operator()(const GetVoteAccounts&) { return NotAvailable{"asked at the wrong tile"}; }
    ReplyBody operator()(const GetReadiness&) { return NotAvailable{"asked at the wrong tile"}; }
    ReplyBody operator()(const GetHealth&) { return NotAvailable{"asked at the wrong tile"}; }
    ReplyBody operator()(const GetTransactionTrail&)
    {
        return NotAvailable{"asked at the wrong tile"};
    }
    ReplyBody operator()(const GetNodeStatus&) { return NotAvailable{"asked at the wrong tile"}; }

private:
    const exec::BlockState& at(Commitment commitment)
    {
        const exec::BlockState* const block = context_.bank.find(context_.levels.at(commitment).id);
        // The bank prunes only what does not descend from finalized, and levels follow it.
        BELFRY_CHECK(block != nullptr);
        reply_.context = block->slot();
        return *block;
    }
    ReplyBody final_chain() { return chain_above(context_, at(Commitment::finalized)); }
    std::optional<SignatureStatus> status_of(const Signature& signature);
    LeadersAnswer leaders(Slot first, std::uint64_t count);

    const QueryContext& context_;
    Reply& reply_;
};

ReplyBody Answerer::operator()(const GetFeeForMessage& question)
{
    const exec::BlockState& block = at(question.commitment);
    const auto parsed = ledger::parse_transaction(question.wire);
    if (!parsed) {
        return NotAvailable{"the message is not a transaction's"};
    }
    const bool valid =
        context_.bank.is_blockhash_valid(block.id(), parsed->recent_blockhash()).value_or(false);
    return FeeAnswer{valid ? std::optional(context_.bank.fee_of(*parsed)) : std::nullopt};
}

std::optional<SignatureStatus> Answerer::status_of(const Signature& signature)
{
    for (const Commitment level :
         {Commitment::finalized, Commitment::confirmed, Commitment::processed}) {
        const std::optional<exec::StatusAnswer> found =
            context_.bank.status(context_.levels.at(level).id, signature);
        if (!found) {
            continue;
        }
        SignatureStatus status;
        status.slot = found->block.slot;
        status.error = found->status.error;
        status.level = level;
        if (level != Commitment::finalized) {
            const exec::BlockState& tip = at(Commitment::processed);
            const std::uint64_t depth =
                tip.height().value - std::min(tip.height().value, found->height.value);
            status.confirmations = std::min(depth, confirmations_max);
        }
        return status;
    }
    return std::nullopt;
}

ReplyBody Answerer::operator()(const GetSignatureStatuses& question)
{
    StatusesAnswer answer;
    answer.statuses.reserve(question.signatures.size());
    for (const Signature& signature : question.signatures) {
        answer.statuses.push_back(status_of(signature));
    }
    (void)at(Commitment::processed); // the context of the answer
    return answer;
}

LeadersAnswer Answerer::leaders(Slot first, std::uint64_t count)
{
    LeadersAnswer answer;
    answer.first = first;
    for (std::uint64_t i = 0; i < count; ++i) {
        const consensus::ValidatorIndex leader = context_.schedule.leader_at({first.value + i});
        answer.leaders.push_back(context_.roster.validators[leader.value].key);
    }
    return answer;
}

ReplyBody Answerer::operator()(const GetSlotLeaders& question)
{
    const Slot own = at(question.commitment).slot();
    const Slot first = question.first.value_or(own);
    if (first.value > own.value + context_.genesis.slots_per_epoch) {
        return LeadersAnswer{.first = first, .leaders = {}};
    }
    return leaders(first, std::min(question.slot_count, leaders_per_request_max));
}

ReplyBody Answerer::operator()(const GetLeaderSchedule& question)
{
    const Slot own = at(question.commitment).slot();
    const Slot asked = question.slot.value_or(own);
    if (asked.value > own.value + context_.genesis.slots_per_epoch) {
        return LeadersAnswer{.first = asked, .leaders = {}};
    }
    const Slot first = context_.schedule.first_slot(context_.schedule.epoch_at(asked));
    return leaders(first, context_.genesis.slots_per_epoch);
}

ReplyBody Answerer::operator()(const SendTransaction& question)
{
    const exec::BlockState& block = at(question.preflight_commitment);
    if (question.min_context_slot && block.slot() < *question.min_context_slot) {
        return MinContextSlotNotReached{};
    }
    const auto transaction = ledger::parse_transaction(question.wire);
    if (!transaction) {
        return NotAvailable{std::string(ledger::to_string(transaction.error()))};
    }
    if (context_.bank.quarantine().holds_message(transaction->message_hash())) {
        return in_quarantine();
    }
    if (!question.skip_preflight) {
        SimulationAnswer simulated = simulation_at(context_, block, *transaction, {});
        if (!simulated.error.ok()) {
            return PreflightFailed{std::move(simulated)};
        }
    }
    return enter_pool(context_, *transaction, SentAnswer{});
}

ReplyBody Answerer::operator()(const GetBlockSummary& question)
{
    const exec::BlockState* block = &at(Commitment::processed);
    while (block != nullptr && block->slot() > question.slot) {
        block = block->parent;
    }
    if (block != nullptr && block->slot() == question.slot) {
        const consensus::ValidatorIndex leader = context_.schedule.leader_at(block->slot());
        return BlockSummaryAnswer{summary_of(*block, context_.roster.validators[leader.value].key)};
    }
    return BlockSummaryAnswer{context_.history.find(question.slot)};
}

} // namespace

const ledger::BlockRef& Levels::at(Commitment commitment) const
{
    switch (commitment) {
    case Commitment::processed:
        return processed;
    case Commitment::confirmed:
        return confirmed;
    case Commitment::finalized:
        break;
    }
    return finalized;
}

void FinalizedHistory::add(const BlockSummary& block)
{
    blocks_.push_back(block);
    if (blocks_.size() > blocks_max) {
        blocks_.pop_front();
    }
}

std::optional<BlockSummary> FinalizedHistory::find(Slot slot) const
{
    const auto found = std::ranges::lower_bound(blocks_, slot, {}, &BlockSummary::slot);
    if (found == blocks_.end() || found->slot != slot) {
        return std::nullopt;
    }
    return *found;
}

exec::PoolGate::View gate_view(const exec::Bank& bank, const Levels& levels)
{
    return {.age_of =
                [&bank, &levels](const Hash& blockhash) {
                    return bank.blockhash_age(levels.processed.id, blockhash);
                },
            .can_pay =
                [&bank, &levels](const ledger::Transaction& transaction) {
                    const auto held = bank.lamports(levels.processed.id, transaction.account(0));
                    return held && *held >= bank.fee_of(transaction);
                },
            .quarantined =
                [&bank](const ledger::Transaction& transaction) {
                    return bank.quarantine().holds_message(transaction.message_hash());
                }};
}

namespace {

bool owns_nothing(const QueryContext& context, const Pubkey& payer)
{
    return context.bank.lamports(context.levels.processed.id, payer).value_or(Lamports{}) ==
           Lamports{};
}

ReplyBody never_in_a_block(exec::TransactionErrorKind why)
{
    SimulationAnswer simulation;
    simulation.error = exec::TransactionError::of(why);
    return PreflightFailed{std::move(simulation)};
}

} // namespace

ReplyBody in_quarantine()
{
    return NotAvailable{"The transaction is in quarantine at this node, which died more than once "
                        "while it worked on it. Send another one, or to another node"};
}

ReplyBody enter_pool(const QueryContext& context, const ledger::Transaction& transaction,
                     ReplyBody success)
{
    const exec::PoolGate::Arrival arrival{
        .transaction = transaction, .origin = exec::Origin::direct, .received = context.local};
    switch (context.gate.admit(arrival, gate_view(context.bank, context.levels))) {
    case exec::PoolGate::Verdict::enter:
        break;
    case exec::PoolGate::Verdict::waits:
        return success;
    case exec::PoolGate::Verdict::full:
        return NodeBusy{};
    case exec::PoolGate::Verdict::expired:
        return never_in_a_block(exec::TransactionErrorKind::blockhash_not_found);
    case exec::PoolGate::Verdict::quarantined:
        return in_quarantine();
    case exec::PoolGate::Verdict::cannot_pay:
        return never_in_a_block(owns_nothing(context, transaction.account(0))
                                    ? exec::TransactionErrorKind::account_not_found
                                    : exec::TransactionErrorKind::insufficient_funds_for_fee);
    }
    const exec::InsertResult inserted =
        context.pool.insert(transaction, arrival.origin, arrival.received);
    return inserted == exec::InsertResult::full ? ReplyBody(NodeBusy{}) : std::move(success);
}

Reply answer(const RpcQuestion& question, const QueryContext& context)
{
    Reply reply;
    reply.id = question.id;
    Answerer answerer(context, reply);
    reply.body = std::visit(answerer, question.request);
    return reply;
}

BlockSummary summary_of(const exec::BlockState& state, const Pubkey& leader)
{
    return {.slot = state.slot(),
            .parent = state.anchor.parent.slot,
            .height = state.height(),
            .block_id = state.id(),
            .blockhash = state.blockhash(),
            .state_hash = state.state_hash(),
            .leader = leader,
            .transaction_count = state.statuses.size()};
}

} // namespace belfry::node
