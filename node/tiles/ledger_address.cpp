// SPDX-License-Identifier: Apache-2.0
// The transactions that name an address: of unfinal blocks by looking through them, of final ones
// by the index. What is final here and there is decided by what the bank said, so that nothing is
// listed twice or left out where the two meet.
#include "crypto/base58.hpp"
#include "node/rpc/error_text.hpp"
#include "node/tiles/ledger_queries.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace belfry::node {
namespace {

constexpr std::uint64_t index_lag_slots_max = 64; // waited for; the index is made anew otherwise

bool names(const ledger::Transaction& transaction, const Pubkey& address)
{
    for (std::size_t key = 0; key < transaction.account_count(); ++key) {
        if (transaction.account(key) == address) {
            return true;
        }
    }
    return false;
}

} // namespace

struct LedgerQueries::AddressList {
    struct Entry {
        ledger::ChainPlace place;
        Signature signature;
        std::optional<exec::TransactionError> error; // nullopt: no more known
        bool final = false;
    };
    const GetSignaturesForAddress& question;
    std::optional<ledger::ChainPlace> before = {}; // of the signatures so named, once found
    std::optional<ledger::ChainPlace> until = {};
    std::vector<Entry> entries = {}; // newest first
};

Result<bool, ledger::StoreError> LedgerQueries::list_unfinal(const UnfinalChainAnswer& so_far,
                                                             AddressList& list) const
{
    const std::vector<exec::TransactionStatus> no_statuses; // the errors are at hand
    for (const UnfinalChainAnswer::Block& block : so_far.above) {
        BELFRY_TRY(loaded, load(block.ref, &no_statuses));
        if (!loaded) {
            return false;
        }
        const std::span<const ledger::Transaction> transactions = loaded->transactions;
        for (std::size_t i = transactions.size(); i-- > 0;) {
            const ledger::Transaction& transaction = transactions[i];
            const ledger::ChainPlace place{block.ref.slot, static_cast<std::uint32_t>(i)};
            const Signature signature = transaction.signature(0);
            if (signature == list.question.before) {
                list.before = place;
            }
            if (signature == list.question.until) {
                list.until = place;
            }
            if (names(transaction, list.question.address)) {
                list.entries.push_back({.place = place,
                                        .signature = signature,
                                        .error = i < block.errors.size()
                                                     ? std::optional(block.errors[i])
                                                     : std::nullopt,
                                        .final = false});
            }
        }
    }
    return true;
}

Result<void, ledger::StoreError> LedgerQueries::list_final(Slot last, AddressList& list) const
{
    const ledger::ChainPlace end{last.next(), 0};
    BELFRY_TRY(found, index_->newest({.address = list.question.address,
                                      .before = std::min(list.before.value_or(end), end),
                                      .count_max = list.question.count_max}));
    for (const ledger::AddressEntry& entry : found) {
        BELFRY_TRY(outcome, outcome_of(entry.signature));
        list.entries.push_back({.place = entry.place,
                                .signature = entry.signature,
                                .error = outcome ? std::optional(outcome->error) : std::nullopt,
                                .final = true});
    }
    return {};
}

LedgerQueries::Body LedgerQueries::by_address(const GetSignaturesForAddress& question,
                                              const UnfinalChainAnswer& so_far) const
{
    Body unreadable = refusal(RpcCode::internal_error, "the ledger cannot be read here");
    if (index_ == nullptr) {
        return refusal(RpcCode::history_not_available,
                       "Transaction history is not available from this node");
    }
    const auto indexed = index_->up_to();
    if (!indexed) {
        return unreadable;
    }
    const Slot up_to = *indexed ? (*indexed)->slot : Slot{};
    const bool behind = up_to < so_far.finalized;
    if (behind && so_far.finalized.value - up_to.value <= index_lag_slots_max) {
        return std::nullopt;
    }
    AddressList list{.question = question};
    if (!behind) { // else there would be a hole in the list
        const auto complete = list_unfinal(so_far, list);
        if (!complete) {
            return unreadable;
        }
        if (!*complete) {
            return std::nullopt;
        }
    }
    for (auto [named, place] :
         {std::pair(&question.before, &list.before), std::pair(&question.until, &list.until)}) {
        if (!*named || *place) {
            continue;
        }
        const auto found = blocks_.find_signature(**named);
        if (!found) {
            return unreadable;
        }
        if (*found) {
            *place = ledger::ChainPlace{(*found)->block.slot, (*found)->index};
        }
    }
    if (question.before && !list.before) {
        return JsonAnswer{"[]"}; // nothing is known to stand before it
    }
    if (!list_final(so_far.finalized, list)) {
        return unreadable;
    }
    std::string text = "[";
    std::uint64_t count = 0;
    for (const AddressList::Entry& entry : list.entries) {
        if ((list.until && entry.place <= *list.until) || count == question.count_max) {
            break;
        }
        if (list.before && entry.place >= *list.before) {
            continue;
        }
        text += fmt::format(R"({}{{"signature":"{}","slot":{},"err":{},"memo":null,"blockTime":{},)"
                            R"("confirmationStatus":"{}"}})",
                            count++ == 0 ? "" : ",", crypto::to_base58(entry.signature),
                            entry.place.slot.value,
                            entry.error ? error_json_text(*entry.error) : std::string("null"),
                            time_text(entry.place.slot), entry.final ? "finalized" : "confirmed");
    }
    return JsonAnswer{text + ']'};
}

} // namespace belfry::node
