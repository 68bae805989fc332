// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/address_follower.hpp"

#include "ledger/model/entry.hpp"
#include "ledger/model/transaction.hpp"

namespace belfry::node {

AddressFollower::AddressFollower(const ledger::LmdbEnv& ledger_env, ledger::AddressIndex& index)
    : blocks_(ledger_env)
    , index_(index)
{
    const auto stored = index_.up_to();
    if (!stored) {
        failed_ = stored.error();
    } else if (*stored) {
        up_to_ = (*stored)->slot;
    }
}

bool AddressFollower::step()
{
    if (failed_) {
        return false;
    }
    entries_.clear();
    const auto last = collect();
    if (!last) {
        failed_ = last.error();
        return false;
    }
    if (!*last) {
        return false;
    }
    // What the ledger has pruned goes here too, faster than it comes.
    const auto lowest = blocks_.lowest_block();
    if (!lowest) {
        failed_ = lowest.error();
        return false;
    }
    const Result<void, ledger::StoreError> written =
        index_.commit(entries_, **last,
                      {.below = *lowest ? (*lowest)->slot : Slot{},
                       .records_max = 2 * entries_.size() + prune_records_min});
    if (!written) {
        failed_ = written.error();
        return false;
    }
    up_to_ = (*last)->slot;
    return true;
}

Result<std::optional<ledger::BlockRef>, ledger::StoreError> AddressFollower::collect()
{
    BELFRY_TRY(refs, blocks_.finalized_from(up_to_.next(), blocks_per_step));
    has_more_ = refs.size() == blocks_per_step;
    std::optional<ledger::BlockRef> last;
    std::size_t transaction_count = 0;
    for (const ledger::BlockRef& ref : refs) {
        BELFRY_TRY(block, blocks_.load_block(ref));
        last = ref;
        if (!block) {
            continue; // pruned before it was looked at
        }
        const auto entries = ledger::decode_entries(block->stream);
        if (!entries) {
            return std::unexpected(ledger::StoreError::corrupt_record);
        }
        std::uint32_t index = 0;
        for (const ledger::Entry& entry : *entries) {
            for (const ByteView wire : entry.transactions) {
                const auto transaction = ledger::parse_transaction(wire);
                if (!transaction) {
                    return std::unexpected(ledger::StoreError::corrupt_record);
                }
                for (std::size_t key = 0; key < transaction->account_count(); ++key) {
                    entries_.push_back({.address = transaction->account(key),
                                        .place = {ref.slot, index},
                                        .signature = transaction->signature(0)});
                }
                ++index;
            }
        }
        transaction_count += index;
        if (transaction_count >= transactions_per_step) {
            has_more_ = true;
            break;
        }
    }
    return last;
}

} // namespace belfry::node
