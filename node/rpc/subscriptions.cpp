// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/subscriptions.hpp"

#include "base/check.hpp"
#include "crypto/base58.hpp"
#include "crypto/sha256.hpp"
#include "node/rpc/account_json.hpp"
#include "node/rpc/error_text.hpp"
#include "node/version.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

Hash fingerprint(const std::optional<AccountView>& account)
{
    Bytes text;
    if (account) {
        ByteWriter out(text);
        out.u64(account->lamports.value);
        out.bytes(account->owner.view());
        out.u8(account->executable ? 1 : 0);
        out.u64(account->space_bytes);
        out.bytes(account->data);
    }
    return crypto::sha256(text);
}

std::string in_context(Slot slot, std::string_view value)
{
    return fmt::format(R"({{"context":{{"slot":{},"apiVersion":"{}"}},"value":{}}})", slot.value,
                       solana_api_version, value);
}

constexpr std::size_t index_of(SubscriptionKind kind)
{
    return static_cast<std::size_t>(kind);
}

template <class Id>
std::vector<Id> take_first(std::vector<Id>& ids, std::size_t count)
{
    const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(count, ids.size()));
    std::vector<Id> first(ids.begin(), end);
    ids.erase(ids.begin(), end);
    return first;
}

} // namespace

std::string Subscriptions::answer(const Call& call, Subscriber& subscriber)
{
    BELFRY_CHECK(call.subscription.has_value());
    if (const auto* const wanted = std::get_if<Subscribe>(&*call.subscription)) {
        return subscribe(call, *wanted, subscriber);
    }
    const auto& ended = std::get<Unsubscribe>(*call.subscription);
    const auto found = all_.find(ended.id);
    const bool own = found != all_.end() && found->second.subscriber == &subscriber &&
                     found->second.wanted.kind == ended.kind;
    if (own) {
        remove(ended.id);
    }
    return result_reply(call.id_json, own ? "true" : "false");
}

std::string Subscriptions::subscribe(const Call& call, const Subscribe& wanted,
                                     Subscriber& subscriber)
{
    std::set<Id>& own = by_subscriber_[&subscriber];
    if (all_.size() >= options_.subscriptions_max || own.size() >= options_.per_subscriber_max) {
        ++counters_.refused_full;
        return error_reply(call.id_json,
                           {RpcCode::internal_error, "Too many subscriptions; end some", {}});
    }
    const Id id = next_id_++;
    ++counters_.made;
    Entry& entry = all_[id];
    entry.wanted = wanted;
    entry.subscriber = &subscriber;
    own.insert(id);
    by_kind_[index_of(wanted.kind)].insert(id);
    // Answers come after this call, so the client hears its number first.
    if (wanted.kind == SubscriptionKind::signature) {
        look_at_signatures({id}, true);
    } else if (wanted.kind == SubscriptionKind::account) {
        look_at_accounts({id}, wanted.commitment);
    }
    return result_reply(call.id_json, fmt::format("{}", id));
}

void Subscriptions::remove(Id id)
{
    const auto found = all_.find(id);
    if (found == all_.end()) {
        return;
    }
    const Entry& entry = found->second;
    by_kind_[index_of(entry.wanted.kind)].erase(id);
    const auto own = by_subscriber_.find(entry.subscriber);
    if (own != by_subscriber_.end()) {
        own->second.erase(id);
    }
    all_.erase(found);
}

void Subscriptions::forget(Subscriber& subscriber)
{
    const auto own = by_subscriber_.find(&subscriber);
    if (own == by_subscriber_.end()) {
        return;
    }
    const std::set<Id> ids = std::move(own->second);
    by_subscriber_.erase(own);
    for (const Id id : ids) {
        remove(id);
    }
}

void Subscriptions::tell(const Entry& entry, Id id, std::string_view method,
                         std::string_view result)
{
    ++counters_.notifications;
    entry.subscriber->tell(fmt::format(
        R"({{"jsonrpc":"2.0","method":"{}","params":{{"result":{},"subscription":{}}}}})", method,
        result, id));
}

std::vector<Subscriptions::Id> Subscriptions::of(SubscriptionKind kind, Commitment commitment) const
{
    std::vector<Id> ids;
    for (const Id id : by_kind_[index_of(kind)]) {
        if (all_.at(id).wanted.commitment == commitment) {
            ids.push_back(id);
        }
    }
    return ids;
}

void Subscriptions::on_event(const ChainEvent& event)
{
    for (const ChainEvent::Block& block : event.processed) {
        for (const Id id : by_kind_[index_of(SubscriptionKind::slot)]) {
            tell(all_.at(id), id, "slotNotification",
                 fmt::format(R"({{"parent":{},"root":{},"slot":{}}})", block.parent.value,
                             event.root.value, block.ref.slot.value));
        }
    }
    for (const ChainEvent::Block& block : event.finalized) {
        for (const Id id : by_kind_[index_of(SubscriptionKind::root)]) {
            tell(all_.at(id), id, "rootNotification", fmt::format("{}", block.ref.slot.value));
        }
    }
    const std::set<Id>& signatures = by_kind_[index_of(SubscriptionKind::signature)];
    if (signature_rounds_open_ == 0 && !signatures.empty()) {
        look_at_signatures({signatures.begin(), signatures.end()}, false);
    }
    const std::array<const std::vector<ChainEvent::Block>*, levels> blocks{
        &event.processed, &event.confirmed, &event.finalized};
    for (std::size_t level = 0; level < levels; ++level) {
        const auto commitment = static_cast<Commitment>(level);
        if (blocks[level]->empty()) {
            continue;
        }
        if (account_rounds_open_[level] == 0) {
            look_at_accounts(of(SubscriptionKind::account, commitment), commitment);
        }
        if (!of(SubscriptionKind::logs, commitment).empty()) {
            for (const ChainEvent::Block& block : *blocks[level]) {
                look_at_logs(block, commitment);
            }
        }
    }
}

// --- signatures ----------------------------------------------------------------------------------

void Subscriptions::look_at_signatures(std::vector<Id> ids, bool search_history)
{
    while (!ids.empty()) {
        std::vector<Id> asked = take_first(ids, signatures_per_request_max);
        GetSignatureStatuses question{.signatures = {}, .search_history = search_history};
        for (const Id id : asked) {
            question.signatures.push_back(all_.at(id).wanted.signature);
        }
        Request request = std::move(question);
        const bool taken = desk_.ask(request, [this, asked](Reply* reply) {
            --signature_rounds_open_;
            const auto* const answer =
                reply == nullptr ? nullptr : std::get_if<StatusesAnswer>(&reply->body);
            if (answer != nullptr) {
                on_statuses(asked, *answer, reply->context);
            }
        });
        if (!taken) {
            return; // the next event asks again
        }
        ++signature_rounds_open_;
    }
}

void Subscriptions::on_statuses(const std::vector<Id>& ids, const StatusesAnswer& answer,
                                Slot context)
{
    for (std::size_t i = 0; i < ids.size() && i < answer.statuses.size(); ++i) {
        const auto found = all_.find(ids[i]);
        const std::optional<SignatureStatus>& status = answer.statuses[i];
        if (found == all_.end() || !status) {
            continue;
        }
        Entry& entry = found->second;
        if (status->level >= entry.wanted.commitment) {
            tell(entry, ids[i], "signatureNotification",
                 in_context(context,
                            fmt::format(R"({{"err":{}}})", error_json_text(status->error))));
            remove(ids[i]);
        } else if (entry.wanted.tell_received && !entry.received) {
            entry.received = true;
            tell(entry, ids[i], "signatureNotification",
                 in_context(context, R"("receivedSignature")"));
        }
    }
}

// --- accounts ------------------------------------------------------------------------------------

void Subscriptions::look_at_accounts(std::vector<Id> ids, Commitment commitment)
{
    while (!ids.empty()) {
        std::vector<Id> asked = take_first(ids, accounts_per_request_max);
        GetAccounts question{.accounts = {}, .slice = {}, .commitment = commitment};
        for (const Id id : asked) {
            question.accounts.push_back(all_.at(id).wanted.address);
        }
        std::size_t& open = account_rounds_open_[static_cast<std::size_t>(commitment)];
        Request request = std::move(question);
        const bool taken = desk_.ask(request, [this, asked, commitment](Reply* reply) {
            --account_rounds_open_[static_cast<std::size_t>(commitment)];
            if (reply != nullptr) {
                on_accounts(asked, *reply, commitment);
            }
        });
        if (!taken) {
            return;
        }
        ++open;
    }
}

void Subscriptions::on_accounts(const std::vector<Id>& ids, Reply& reply, Commitment commitment)
{
    const auto* const answer = std::get_if<AccountsAnswer>(&reply.body);
    if (answer == nullptr) {
        // Too much data at once: in two halves.
        std::vector<Id> still;
        std::ranges::copy_if(ids, std::back_inserter(still),
                             [this](Id id) { return all_.contains(id); });
        if (std::holds_alternative<RpcRefusal>(reply.body) && still.size() > 1) {
            look_at_accounts(take_first(still, still.size() / 2), commitment);
            look_at_accounts(std::move(still), commitment);
        }
        return;
    }
    for (std::size_t i = 0; i < ids.size() && i < answer->accounts.size(); ++i) {
        const auto found = all_.find(ids[i]);
        if (found == all_.end()) {
            continue;
        }
        Entry& entry = found->second;
        const std::optional<AccountView>& account = answer->accounts[i];
        const Hash now = fingerprint(account);
        const bool changed = entry.has_last && entry.last != now;
        entry.last = now;
        entry.has_last = true;
        if (!changed) {
            continue;
        }
        // An account that is gone is one of nothing, as Solana tells it.
        AccountView shown = account.value_or(AccountView{
            .lamports = {}, .owner = {}, .executable = false, .space_bytes = 0, .data = {}});
        const std::size_t from =
            std::min<std::uint64_t>(entry.wanted.slice.offset, shown.data.size());
        const std::size_t count =
            std::min<std::uint64_t>(entry.wanted.slice.length, shown.data.size() - from);
        const ByteView part = ByteView(shown.data).subspan(from, count);
        shown.data = Bytes(part.begin(), part.end());
        const AccountEncoding encoding = fits_encoding(shown, entry.wanted.encoding)
                                             ? entry.wanted.encoding
                                             : AccountEncoding::base64;
        tell(entry, ids[i], "accountNotification",
             in_context(reply.context, account_text(shown, encoding)));
    }
}

// --- logs ----------------------------------------------------------------------------------------

void Subscriptions::look_at_logs(const ChainEvent::Block& block, Commitment commitment)
{
    Request request = GetBlockLogs{block.ref};
    // Not taken: the node is so busy that these logs are lost to their subscribers.
    (void)desk_.ask(request, [this, commitment](Reply* reply) {
        const auto* const answer =
            reply == nullptr ? nullptr : std::get_if<LogsAnswer>(&reply->body);
        if (answer != nullptr) {
            on_logs(*answer, commitment);
        }
    });
}

void Subscriptions::on_logs(const LogsAnswer& answer, Commitment commitment)
{
    for (const Id id : of(SubscriptionKind::logs, commitment)) {
        for (const LogsAnswer::Entry& entry : answer.entries) {
            const auto found = all_.find(id);
            if (found == all_.end()) {
                break; // its connection was cut for being slow
            }
            const std::optional<Pubkey>& mentions = found->second.wanted.mentions;
            if (mentions && std::ranges::find(entry.accounts, *mentions) == entry.accounts.end()) {
                continue;
            }
            std::string logs;
            for (const std::string& line : entry.logs) {
                logs += fmt::format(R"({}"{}")", logs.empty() ? "" : ",", line);
            }
            tell(found->second, id, "logsNotification",
                 in_context(answer.block.slot,
                            fmt::format(R"({{"signature":"{}","err":{},"logs":[{}]}})",
                                        crypto::to_base58(entry.signature),
                                        error_json_text(entry.error), logs)));
        }
    }
}

} // namespace belfry::node
