// SPDX-License-Identifier: Apache-2.0
#pragma once
// account_store.hpp: all accounts as they were after one finalized block, the anchor.
// Rule     accounts and anchor change in one durable transaction; a restart loads the accounts and
//          replays the stored blocks after the anchor. Finalize the block in the block store first.
// Errors   StoreError. Records that are lost or flipped are found by checksum and by count; that
// the
//          set is the right one is shown by the state hash, which the caller recomputes.
// Threads  one owner, the store tile.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/model/account.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/store/env.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace belfry::ledger {

inline constexpr std::size_t anchor_metadata_bytes_max = 1 << 20;

/// The finalized block whose state the accounts are.
struct Anchor {
    BlockRef block;
    Height height;
    Hash state_hash;
    Hash chain_hash;                 // last proof-of-history hash: the block's blockhash
    std::uint64_t account_count = 0; // kept by the store
    Bytes metadata;                  // opaque, at most anchor_metadata_bytes_max
    friend bool operator==(const Anchor&, const Anchor&) = default;
};

struct AccountChange {
    Pubkey address;
    std::optional<Account> account; // nullopt removes it
};

class AccountStore {
public:
    /// The environment must outlive the store.
    explicit AccountStore(LmdbEnv& env)
        : env_(env)
    {
    }

    /// nullopt before the first flush.
    [[nodiscard]] Result<std::optional<Anchor>, StoreError> anchor() const;
    /// Writes all changes, at most one per address, and the anchor (its account_count is ignored),
    /// in one durable transaction. An anchor that does not move forward: wrong_shape.
    [[nodiscard]] Result<void, StoreError> flush(std::span<const AccountChange> changes,
                                                 const Anchor& anchor);
    [[nodiscard]] Result<std::optional<Account>, StoreError> account(const Pubkey& address) const;
    /// Every account in order of address; the count is compared with the anchor's.
    [[nodiscard]] Result<void, StoreError>
    load_all(const std::function<void(const Pubkey&, Account&&)>& visit) const;

private:
    LmdbEnv& env_;
};

} // namespace belfry::ledger
