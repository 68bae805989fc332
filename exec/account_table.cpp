// SPDX-License-Identifier: Apache-2.0
#include "exec/account_table.hpp"

#include <utility>

namespace belfry::exec {

const ledger::Account* AccountTable::find(const Pubkey& key) const
{
    const auto place =
        index_.find(fingerprint_of(key), [&](std::uint32_t at) { return records_[at].key == key; });
    return place ? &records_[*place].account : nullptr;
}

void AccountTable::put(const Pubkey& key, const ledger::Account& account)
{
    const std::uint32_t fingerprint = fingerprint_of(key);
    const auto place =
        index_.find(fingerprint, [&](std::uint32_t at) { return records_[at].key == key; });
    if (place) {
        records_[*place].account = account;
        return;
    }
    BELFRY_CHECK(records_.size() < UINT32_MAX);
    index_.insert(fingerprint, static_cast<std::uint32_t>(records_.size()));
    records_.push_back(Record{key, account});
}

void AccountTable::erase(const Pubkey& key)
{
    const std::uint32_t fingerprint = fingerprint_of(key);
    const auto place =
        index_.find(fingerprint, [&](std::uint32_t at) { return records_[at].key == key; });
    if (!place) {
        return;
    }
    index_.erase(fingerprint, *place);
    const auto last = static_cast<std::uint32_t>(records_.size() - 1);
    if (*place != last) {
        index_.replace(fingerprint_of(records_[last].key), last, *place);
        records_[*place] = std::move(records_[last]);
    }
    records_.pop_back();
}

void AccountTable::clear()
{
    records_.clear();
    index_.clear();
}

} // namespace belfry::exec
