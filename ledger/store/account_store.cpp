// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/account_store.hpp"

#include "ledger/store/lmdb_transaction.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace belfry::ledger {

namespace {
constexpr std::string_view anchor_key_text = "anchor";

ByteView anchor_key()
{
    return {reinterpret_cast<const std::uint8_t*>(anchor_key_text.data()), anchor_key_text.size()};
}

Bytes encode_anchor(const Anchor& anchor, std::uint64_t account_count)
{
    Bytes content;
    ByteWriter writer(content);
    writer.u64(anchor.block.slot.value);
    writer.bytes(anchor.block.id.view());
    writer.u64(anchor.height.value);
    writer.bytes(anchor.state_hash.view());
    writer.bytes(anchor.chain_hash.view());
    writer.u64(account_count);
    writer.u32(static_cast<std::uint32_t>(anchor.metadata.size()));
    writer.bytes(anchor.metadata);
    return content;
}

Result<std::optional<Anchor>, StoreError> read_anchor(const LmdbTransaction& transaction,
                                                      const LmdbDatabase& meta)
{
    BELFRY_TRY(content, transaction.get(meta, anchor_key()));
    if (!content) {
        return std::nullopt;
    }
    ByteReader reader(*content);
    Anchor anchor;
    anchor.block.slot = Slot{reader.u64()};
    anchor.block.id = reader.fixed<Hash>();
    anchor.height = Height{reader.u64()};
    anchor.state_hash = reader.fixed<Hash>();
    anchor.chain_hash = reader.fixed<Hash>();
    anchor.account_count = reader.u64();
    const std::uint32_t metadata_bytes = reader.u32();
    const ByteView metadata = reader.bytes(metadata_bytes);
    if (!reader.finished()) {
        return std::unexpected(StoreError::corrupt_record);
    }
    anchor.metadata.assign(metadata.begin(), metadata.end());
    return anchor;
}

/// In order of address, which is how LMDB's pages lie; nullopt when an address is there twice.
std::optional<std::vector<const AccountChange*>> sorted(std::span<const AccountChange> changes)
{
    std::vector<const AccountChange*> order;
    order.reserve(changes.size());
    for (const AccountChange& change : changes) {
        order.push_back(&change);
    }
    const auto address = [](const AccountChange* change) -> const Pubkey& {
        return change->address;
    };
    std::ranges::sort(order, {}, address);
    if (std::ranges::adjacent_find(order, {}, address) != order.end()) {
        return std::nullopt;
    }
    return order;
}

Result<void, StoreError> write_change(LmdbTransaction& transaction, const LmdbDatabase& accounts,
                                      const AccountChange& change)
{
    if (!change.account) {
        BELFRY_TRY(erased, transaction.erase(accounts, change.address.view()));
        static_cast<void>(erased);
        return {};
    }
    Bytes content;
    encode_account_body(content, *change.account);
    return transaction.put(accounts, change.address.view(), content);
}
} // namespace

Result<std::optional<Anchor>, StoreError> AccountStore::anchor() const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    return read_anchor(transaction, env_.databases().meta);
}

Result<void, StoreError> AccountStore::flush(std::span<const AccountChange> changes,
                                             const Anchor& anchor)
{
    const auto order = sorted(changes);
    const auto too_large = [](const AccountChange& change) {
        return change.account && change.account->data.size() > account_data_bytes_max;
    };
    if (!order || anchor.metadata.size() > anchor_metadata_bytes_max ||
        std::ranges::any_of(changes, too_large)) {
        return std::unexpected(StoreError::wrong_shape);
    }
    BELFRY_TRY(transaction, LmdbTransaction::write(env_));
    const LmdbDatabases& databases = env_.databases();
    BELFRY_TRY(before, read_anchor(transaction, databases.meta));
    if (before && before->block.slot >= anchor.block.slot) {
        return std::unexpected(StoreError::wrong_shape);
    }
    for (const AccountChange* change : *order) {
        const auto written = write_change(transaction, databases.accounts, *change);
        if (!written) {
            return written;
        }
    }
    BELFRY_TRY(account_count, transaction.record_count(databases.accounts));
    const auto written =
        transaction.put(databases.meta, anchor_key(), encode_anchor(anchor, account_count));
    return written ? transaction.commit() : written;
}

Result<std::optional<Account>, StoreError> AccountStore::account(const Pubkey& address) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(content, transaction.get(env_.databases().accounts, address.view()));
    if (!content) {
        return std::nullopt;
    }
    Result<Account, AccountError> account = decode_account_body(*content);
    if (!account) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return std::move(*account);
}

Result<void, StoreError>
AccountStore::load_all(const std::function<void(const Pubkey&, Account&&)>& visit) const
{
    BELFRY_TRY(transaction, LmdbTransaction::read(env_));
    BELFRY_TRY(anchor, read_anchor(transaction, env_.databases().meta));
    BELFRY_TRY(cursor, LmdbCursor::open(transaction, env_.databases().accounts));
    std::uint64_t account_count = 0;
    LmdbCursor::Step step = cursor.first();
    while (step && *step) {
        const ByteView key = (*step)->key;
        Result<Account, AccountError> account = decode_account_body((*step)->content);
        if (!account || key.size() != Pubkey::size_bytes) {
            return std::unexpected(StoreError::corrupt_record);
        }
        visit(Pubkey::from(key), std::move(*account));
        ++account_count;
        step = cursor.next();
    }
    if (!step) {
        return std::unexpected(step.error());
    }
    if (account_count != (anchor ? anchor->account_count : 0)) {
        return std::unexpected(StoreError::corrupt_record);
    }
    return {};
}

} // namespace belfry::ledger
