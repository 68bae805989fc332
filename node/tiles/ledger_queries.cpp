// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/ledger_queries.hpp"

#include "base/check.hpp"
#include "crypto/base58.hpp"
#include "ledger/model/entry.hpp"
#include "node/roster.hpp"
#include "node/rpc/error_text.hpp"
#include "node/rpc/transaction_json.hpp"
#include "node/rpc/transaction_logs.hpp"
#include "node/version.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::uint64_t slots_per_read = 4096; // of one read transaction

ReplyBody unreadable()
{
    return refusal(RpcCode::internal_error, "the ledger cannot be read here");
}

ReplyBody too_long()
{
    return refusal(RpcCode::internal_error,
                   fmt::format("the answer is longer than {} bytes; ask for fewer details",
                               answer_text_bytes_max));
}

using crypto::to_base58;

exec::TransactionOutcome outcome_in(const exec::TransactionStatus& status)
{
    return {.error = status.error,
            .fee = status.fee,
            .compute_units = status.compute_units,
            .balances = status.balances};
}

} // namespace

LedgerQueries::LedgerQueries(Options options, const ledger::LmdbEnv& env,
                             const ledger::AddressIndex* index)
    : options_(std::move(options))
    , blocks_(env)
    , proofs_(env)
    , index_(index)
    , schedule_(make_leader_schedule(options_.genesis))
{
}

std::optional<Reply> LedgerQueries::complete(const HistoryQuestion& question)
{
    const ReplyBody& so_far = question.so_far.body;
    Body body;
    if (const auto* const statuses = std::get_if<GetSignatureStatuses>(&question.request)) {
        body = fill(*statuses, std::get<StatusesAnswer>(so_far));
    } else if (const auto* const one = std::get_if<GetTransaction>(&question.request)) {
        body = transaction(*one, std::get<TransactionPlaceAnswer>(so_far));
    } else if (const auto* const whole = std::get_if<GetBlock>(&question.request)) {
        body = block(*whole, std::get<BlockPlaceAnswer>(so_far));
    } else if (std::holds_alternative<GetBlockLogs>(question.request)) {
        body = logs(std::get<BlockPlaceAnswer>(so_far));
    } else if (const auto* const list = std::get_if<GetBlocks>(&question.request)) {
        body = blocks(*list, std::get<ChainAnswer>(so_far));
    } else if (const auto* const time = std::get_if<GetBlockTime>(&question.request)) {
        body = block_time(*time, std::get<ChainAnswer>(so_far));
    } else if (std::holds_alternative<GetFirstAvailableBlock>(question.request)) {
        body = first_block();
    } else if (const auto* const proven = std::get_if<GetProofs>(&question.request)) {
        body = proofs(*proven);
    } else if (const auto* const named = std::get_if<GetSignaturesForAddress>(&question.request)) {
        body = by_address(*named, std::get<UnfinalChainAnswer>(so_far));
    } else if (const auto* const range = std::get_if<GetBlockProduction>(&question.request)) {
        body = production(*range, std::get<ChainAnswer>(so_far));
    } else {
        body = refusal(RpcCode::internal_error, "asked at the wrong tile");
    }
    if (!body) {
        return std::nullopt;
    }
    return Reply{
        .id = question.so_far.id, .context = question.so_far.context, .body = std::move(*body)};
}

LedgerQueries::Body LedgerQueries::fill(const GetSignatureStatuses& question,
                                        StatusesAnswer so_far) const
{
    BELFRY_CHECK(question.signatures.size() == so_far.statuses.size());
    for (std::size_t i = 0; i < question.signatures.size(); ++i) {
        if (so_far.statuses[i]) {
            continue;
        }
        const auto found = blocks_.find_signature(question.signatures[i]);
        if (!found) {
            return unreadable();
        }
        if (!*found) {
            continue;
        }
        ByteReader outcome((*found)->outcome);
        const auto ended = exec::decode_outcome(outcome);
        if (!ended) {
            return unreadable();
        }
        // Only what is final is in the ledger under its signature.
        so_far.statuses[i] = SignatureStatus{.slot = (*found)->block.slot,
                                             .confirmations = std::nullopt,
                                             .error = ended->error,
                                             .level = Commitment::finalized};
    }
    return so_far;
}

Result<std::optional<exec::TransactionOutcome>, ledger::StoreError>
LedgerQueries::outcome_of(const Signature& signature) const
{
    BELFRY_TRY(found, blocks_.find_signature(signature));
    if (!found) {
        return std::nullopt;
    }
    ByteReader reader(found->outcome);
    auto outcome = exec::decode_outcome(reader);
    if (!outcome) {
        return std::unexpected(ledger::StoreError::corrupt_record);
    }
    return outcome;
}

Result<std::optional<LedgerQueries::Loaded>, ledger::StoreError>
LedgerQueries::load(const ledger::BlockRef& ref,
                    const std::vector<exec::TransactionStatus>* statuses) const
{
    BELFRY_TRY(record, blocks_.block(ref));
    if (!record) {
        return std::nullopt;
    }
    BELFRY_TRY(stored, blocks_.load_block(ref));
    if (!stored) {
        return std::nullopt; // pruned in between
    }
    const auto entries = ledger::decode_entries(stored->stream);
    if (!entries || entries->empty()) {
        return std::unexpected(ledger::StoreError::corrupt_record);
    }
    Loaded loaded{.ref = ref,
                  .parent = record->parent,
                  .height = record->height,
                  .blockhash = entries->back().hash,
                  .transactions = {},
                  .outcomes = {}};
    for (const ledger::Entry& entry : *entries) {
        for (const ByteView wire : entry.transactions) {
            const auto parsed = ledger::parse_transaction(wire);
            if (!parsed) {
                return std::unexpected(ledger::StoreError::corrupt_record);
            }
            loaded.transactions.push_back(*parsed);
        }
    }
    for (std::size_t i = 0; i < loaded.transactions.size(); ++i) {
        if (statuses != nullptr) {
            loaded.outcomes.push_back(i < statuses->size() ? outcome_in((*statuses)[i])
                                                           : exec::TransactionOutcome{});
            continue;
        }
        BELFRY_TRY(outcome, outcome_of(loaded.transactions[i].signature(0)));
        if (!outcome) {
            return std::nullopt; // not final in the store yet
        }
        loaded.outcomes.push_back(std::move(*outcome));
    }
    return loaded;
}

LedgerQueries::Body LedgerQueries::transaction(const GetTransaction& question,
                                               const TransactionPlaceAnswer& so_far)
{
    std::optional<TransactionPlaceAnswer::Place> place = so_far.place;
    if (!place) {
        const auto found = blocks_.find_signature(question.signature);
        if (!found) {
            return unreadable();
        }
        if (!*found) {
            return JsonAnswer{"null"};
        }
        ByteReader reader((*found)->outcome);
        auto ended = exec::decode_outcome(reader);
        if (!ended) {
            return unreadable();
        }
        place.emplace();
        place->block = (*found)->block;
        place->index = (*found)->index;
        place->status.error = ended->error;
        place->status.fee = ended->fee;
        place->status.compute_units = ended->compute_units;
        place->status.balances = std::move(ended->balances);
    }
    const std::vector<exec::TransactionStatus> none;
    const auto loaded = load(place->block, &none);
    if (!loaded) {
        return unreadable();
    }
    if (!*loaded) {
        // The bank knows it from memory: the store is about to write it. Else it is pruned.
        return so_far.place ? Body{} : Body{JsonAnswer{"null"}};
    }
    if (place->index >= (*loaded)->transactions.size()) {
        return unreadable();
    }
    const ledger::Transaction& found = (*loaded)->transactions[place->index];
    if (!style_allows(question.style, found)) {
        return RpcRefusal{version_refusal()};
    }
    std::string text = fmt::format(R"({{"slot":{},"blockTime":{},)", place->block.slot.value,
                                   time_text(place->block.slot));
    append_transaction(text, found, outcome_in(place->status), question.style);
    text += '}';
    return JsonAnswer{std::move(text)};
}

LedgerQueries::Body LedgerQueries::missing_block(Slot slot, Slot tip, Slot finalized) const
{
    if (slot > tip) {
        return refusal(RpcCode::block_not_available,
                       fmt::format("Block not available for slot {}", slot.value));
    }
    const auto newest = blocks_.last_finalized();
    const auto lowest = blocks_.lowest_block();
    if (!newest || !lowest) {
        return unreadable();
    }
    if (slot <= finalized && (!*newest || (*newest)->slot < slot)) {
        return std::nullopt; // the store is about to write it
    }
    if (*lowest && slot < (*lowest)->slot) {
        return refusal(RpcCode::block_cleaned_up,
                       fmt::format("Block {} cleaned up, does not exist on node. First available "
                                   "block: {}",
                                   slot.value, (*lowest)->slot.value));
    }
    return refusal(RpcCode::slot_skipped,
                   fmt::format("Slot {} was skipped, or missing due to ledger jump to recent "
                               "snapshot",
                               slot.value));
}

LedgerQueries::Body LedgerQueries::block(const GetBlock& question, const BlockPlaceAnswer& so_far)
{
    std::optional<ledger::BlockRef> ref = so_far.ref;
    if (!ref && question.slot <= so_far.finalized) {
        const auto found = blocks_.finalized_at(question.slot);
        if (!found) {
            return unreadable();
        }
        ref = *found;
    }
    if (!ref) {
        return missing_block(question.slot, so_far.tip, so_far.finalized);
    }
    const auto loaded = load(*ref, so_far.ref ? &so_far.statuses : nullptr);
    if (!loaded) {
        return unreadable();
    }
    if (!*loaded) {
        return so_far.ref ? Body{} : missing_block(question.slot, so_far.tip, so_far.finalized);
    }
    for (const ledger::Transaction& transaction : (*loaded)->transactions) {
        if (!style_allows(question.style, transaction) &&
            (question.details == TransactionDetails::full ||
             question.details == TransactionDetails::accounts)) {
            return RpcRefusal{version_refusal()};
        }
    }
    std::string text = block_text(**loaded, question);
    return text.size() > answer_text_bytes_max ? too_long()
                                               : ReplyBody{JsonAnswer{std::move(text)}};
}

/// Of genesis, and of a block that is pruned, the id stands for it.
Hash LedgerQueries::blockhash_of(const ledger::BlockRef& ref) const
{
    const auto stored = blocks_.load_block(ref);
    if (!stored || !*stored) {
        return ref.id;
    }
    const auto entries = ledger::decode_entries((*stored)->stream);
    return entries && !entries->empty() ? entries->back().hash : ref.id;
}

std::string LedgerQueries::block_text(const Loaded& loaded, const GetBlock& question)
{
    const Hash previous = blockhash_of(loaded.parent);
    std::string text = fmt::format(
        R"({{"blockhash":"{}","previousBlockhash":"{}","parentSlot":{},"blockHeight":{},)"
        R"("blockTime":{})",
        to_base58(loaded.blockhash), to_base58(previous), loaded.parent.slot.value,
        loaded.height.value, time_text(loaded.ref.slot));
    const bool names = question.details == TransactionDetails::signatures;
    if (question.details != TransactionDetails::none) {
        text += names ? R"(,"signatures":[)" : R"(,"transactions":[)";
        for (std::size_t i = 0; i < loaded.transactions.size(); ++i) {
            text += i == 0 ? "" : ",";
            if (names) {
                text += fmt::format(R"("{}")", to_base58(loaded.transactions[i].signature(0)));
                continue;
            }
            text += '{';
            if (question.details == TransactionDetails::full) {
                append_transaction(text, loaded.transactions[i], loaded.outcomes[i],
                                   question.style);
            } else {
                append_accounts_only(text, loaded.transactions[i], loaded.outcomes[i],
                                     question.style);
            }
            text += '}';
            if (text.size() > answer_text_bytes_max) {
                return text; // refused by its length
            }
        }
        text += ']';
    }
    if (question.rewards) {
        text += rewards_text(loaded);
    }
    return text + '}';
}

/// What was the leader's: all fees less what is burnt (exec/fees.hpp). An account that may not
/// take it loses it too; the ledger does not say.
std::string LedgerQueries::rewards_text(const Loaded& loaded)
{
    std::uint64_t all = 0;
    std::uint64_t base = 0;
    for (std::size_t i = 0; i < loaded.transactions.size(); ++i) {
        all += loaded.outcomes[i].fee.value;
        base += options_.genesis.lamports_per_signature.value *
                loaded.transactions[i].signature_count();
    }
    __extension__ using Wide = unsigned __int128;
    const auto burnt =
        static_cast<std::uint64_t>(Wide{std::min(base, all)} * options_.genesis.burn_percent / 100);
    if (all - burnt == 0) {
        return R"(,"rewards":[])";
    }
    const Pubkey& leader = options_.validators[schedule_.leader_at(loaded.ref.slot).value];
    return fmt::format(R"(,"rewards":[{{"pubkey":"{}","lamports":{},"postBalance":null,)"
                       R"("rewardType":"Fee","commission":null}}])",
                       to_base58(leader), all - burnt);
}

LedgerQueries::Body LedgerQueries::logs(const BlockPlaceAnswer& so_far)
{
    if (!so_far.ref) {
        return LogsAnswer{};
    }
    const auto loaded = load(*so_far.ref, so_far.in_ledger ? nullptr : &so_far.statuses);
    if (!loaded) {
        return unreadable();
    }
    if (!*loaded) {
        return std::nullopt;
    }
    LogsAnswer answer{.block = *so_far.ref, .entries = {}};
    for (std::size_t i = 0; i < (*loaded)->transactions.size(); ++i) {
        const ledger::Transaction& transaction = (*loaded)->transactions[i];
        const exec::TransactionOutcome& outcome = (*loaded)->outcomes[i];
        LogsAnswer::Entry& entry = answer.entries.emplace_back();
        entry.signature = transaction.signature(0);
        entry.error = outcome.error;
        entry.logs = program_logs(
            transaction,
            {.error = outcome.error, .fee = outcome.fee, .balances = outcome.balances});
        for (std::size_t key = 0; key < transaction.account_count(); ++key) {
            entry.accounts.push_back(transaction.account(key));
        }
    }
    return answer;
}

Result<std::vector<Slot>, ledger::StoreError>
LedgerQueries::final_slots(Slot first, Slot last, std::uint64_t count_max) const
{
    std::vector<Slot> slots;
    Slot from = first;
    while (slots.size() < count_max) {
        const std::uint64_t wanted = std::min(slots_per_read, count_max - slots.size());
        BELFRY_TRY(refs, blocks_.finalized_from(from, wanted));
        for (const ledger::BlockRef& ref : refs) {
            if (ref.slot > last) {
                return slots;
            }
            slots.push_back(ref.slot);
        }
        if (refs.size() < wanted || refs.back().slot == Slot{UINT64_MAX}) {
            break;
        }
        from = refs.back().slot.next();
    }
    return slots;
}

LedgerQueries::Body LedgerQueries::blocks(const GetBlocks& question,
                                          const ChainAnswer& so_far) const
{
    const Slot last = std::min(question.last.value_or(so_far.tip), so_far.tip);
    auto slots = final_slots(question.first, last, question.count_max);
    if (!slots) {
        return unreadable();
    }
    // The store may be a moment behind the bank, or before it.
    const Slot known = slots->empty() ? Slot{} : slots->back();
    for (const Slot slot : so_far.above) {
        if (slot >= question.first && slot <= last && (slots->empty() || slot > known) &&
            slots->size() < question.count_max) {
            slots->push_back(slot);
        }
    }
    std::string text = "[";
    for (const Slot slot : *slots) {
        text += fmt::format("{}{}", text.size() == 1 ? "" : ",", slot.value);
    }
    return JsonAnswer{text + ']'};
}

std::string LedgerQueries::time_text(Slot slot) const
{
    if (options_.genesis.created_unix_s == 0) {
        return "null"; // genesis does not say
    }
    __extension__ using Wide = unsigned __int128;
    const Wide ms = Wide{slot.value} * options_.genesis.slot_ms;
    return fmt::format("{}",
                       options_.genesis.created_unix_s + static_cast<std::uint64_t>(ms / 1000));
}

LedgerQueries::Body LedgerQueries::block_time(const GetBlockTime& question,
                                              const ChainAnswer& so_far) const
{
    if (std::ranges::find(so_far.above, question.slot) == so_far.above.end()) {
        const auto found = blocks_.finalized_at(question.slot);
        if (!found) {
            return unreadable();
        }
        if (!*found) {
            return missing_block(question.slot, so_far.tip, so_far.finalized);
        }
    }
    return JsonAnswer{time_text(question.slot)};
}

LedgerQueries::Body LedgerQueries::first_block() const
{
    const auto low = blocks_.lowest_block();
    return low ? Body(JsonAnswer{fmt::format("{}", *low ? (*low)->slot.value : 0)})
               : Body(unreadable());
}

LedgerQueries::Body LedgerQueries::production(const GetBlockProduction& question,
                                              const ChainAnswer& so_far)
{
    const Slot tip = so_far.tip;
    const auto stored = blocks_.last_finalized();
    if (!stored) {
        return unreadable();
    }
    if (tip > Slot{} && (!*stored || (*stored)->slot < tip)) {
        return std::nullopt; // a block that is not written yet would count as not made
    }
    const Slot last = std::min(question.last.value_or(tip), tip);
    const Slot first = question.first.value_or(schedule_.first_slot(schedule_.epoch_at(tip)));
    if (first > last || last.value - first.value >= blocks_per_request_max) {
        return refusal(RpcCode::invalid_params,
                       fmt::format("Invalid params: the range must hold 1 to {} slots up to {}",
                                   blocks_per_request_max, tip.value));
    }
    const auto slots = final_slots(first, last, blocks_per_request_max);
    if (!slots) {
        return unreadable();
    }
    struct Count {
        std::uint64_t led = 0;
        std::uint64_t made = 0;
    };
    std::map<Pubkey, Count> counts;
    auto next = slots->begin();
    for (std::uint64_t slot = first.value; slot <= last.value; ++slot) {
        const Pubkey& leader = options_.validators[schedule_.leader_at(Slot{slot}).value];
        const bool made = next != slots->end() && next->value == slot;
        next += made ? 1 : 0;
        if (!question.identity || leader == *question.identity) {
            Count& count = counts[leader];
            ++count.led;
            count.made += made ? 1 : 0;
        }
    }
    std::string text =
        fmt::format(R"({{"context":{{"slot":{},"apiVersion":"{}"}},"value":{{"byIdentity":{{)",
                    tip.value, solana_api_version);
    const std::size_t empty = text.size();
    for (const auto& [leader, count] : counts) {
        text += fmt::format(R"({}"{}":[{},{}])", text.size() == empty ? "" : ",", to_base58(leader),
                            count.led, count.made);
    }
    text +=
        fmt::format(R"(}},"range":{{"firstSlot":{},"lastSlot":{}}}}}}})", first.value, last.value);
    return JsonAnswer{std::move(text)};
}

} // namespace belfry::node
