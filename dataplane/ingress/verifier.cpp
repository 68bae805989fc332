// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/verifier.hpp"

#include "base/check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <span>

namespace belfry::dataplane {
namespace {

/// A signature takes 64 bytes and its key 32, so that no more fit into a transaction.
constexpr std::size_t signatures_max = ledger::transaction_bytes_max / (64 + 32);

} // namespace

std::string to_string(IngressDrop drop)
{
    auto value = static_cast<std::size_t>(drop);
    BELFRY_CHECK(value < ingress_drop_count);
    switch (drop) {
    case IngressDrop::wrong_lane:
        return "wrong_lane";
    case IngressDrop::duplicate:
        return "duplicate";
    case IngressDrop::bad_signature:
        return "bad_signature";
    }
    value -= ingress_own_drop_count;
    if (value < wire_error_count) {
        return fmt::format("wire.{}", to_string(static_cast<WireError>(value)));
    }
    value -= wire_error_count;
    return fmt::format("form.{}", to_string(static_cast<ledger::TransactionError>(value)));
}

Verifier::Verifier(const Hash& genesis_hash, const Options& options)
    : options_(options)
    , prefix_(genesis_hash)
    , duplicates_(options.duplicates)
    , batch_({.jobs_max = options.batch_max * signatures_max,
              .key_cache_bytes = options.key_cache_bytes})
    , verdicts_(std::make_unique<bool[]>(options.batch_max * signatures_max))
{
    BELFRY_CHECK(options.batch_max > 0);
    pending_.reserve(options.batch_max);
    keys_.reserve(options.batch_max * signatures_max);
    signatures_.reserve(options.batch_max * signatures_max);
    jobs_.reserve(options.batch_max * signatures_max);
}

void Verifier::add(Lane lane, ByteView datagram)
{
    BELFRY_CHECK(!full());
    counters_.received.add();
    if (lane != Lane::transactions && lane != Lane::forwards) {
        drop(IngressDrop::wrong_lane);
        return;
    }
    const Result<ByteView, WireError> wire = prefix_.open(lane, datagram);
    if (!wire) {
        drop(drop_of(wire.error()));
        return;
    }
    const Result<ledger::Transaction, ledger::TransactionError> transaction =
        ledger::parse_transaction(*wire);
    if (!transaction) {
        drop(drop_of(transaction.error()));
        return;
    }
    if (duplicates_.seen(transaction->message_hash())) {
        drop(IngressDrop::duplicate, *transaction);
        return;
    }
    pending_.push_back({.transaction = *transaction, .lane = lane, .signatures_good = false});
}

void Verifier::check_signatures()
{
    keys_.clear();
    signatures_.clear();
    jobs_.clear();
    for (const Pending& pending : pending_) {
        const ledger::Transaction& transaction = pending.transaction;
        BELFRY_CHECK(transaction.signature_count() <= signatures_max);
        for (std::size_t i = 0; i < transaction.signature_count(); ++i) {
            keys_.push_back(transaction.account(i)); // never moves: reserved
            signatures_.push_back(transaction.signature(i));
            jobs_.push_back({.message = transaction.message(),
                             .key = &keys_.back(),
                             .signature = &signatures_.back()});
        }
    }
    const std::span<bool> verdicts(verdicts_.get(), jobs_.size());
    batch_.verify(jobs_, verdicts);
    std::size_t next = 0;
    for (Pending& pending : pending_) {
        const std::size_t count = pending.transaction.signature_count();
        pending.signatures_good =
            std::ranges::all_of(verdicts.subspan(next, count), [](bool good) { return good; });
        next += count;
    }
}

bool Verifier::settle(std::size_t index)
{
    const Pending& pending = pending_[index];
    if (!pending.signatures_good) {
        drop(IngressDrop::bad_signature, pending.transaction);
        return false;
    }
    // Asked again: a good copy may have come earlier in this very batch.
    if (duplicates_.seen(pending.transaction.message_hash())) {
        drop(IngressDrop::duplicate, pending.transaction);
        return false;
    }
    duplicates_.fill(pending.transaction.message_hash());
    counters_.accepted.add();
    return true;
}

} // namespace belfry::dataplane
