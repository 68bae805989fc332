// SPDX-License-Identifier: Apache-2.0
#pragma once
// address_index.hpp: which final transactions name an address.
// Rule     the index follows the final chain behind the ledger and holds nothing that could not be
//          made again from it; so it lives in an environment of its own (another directory, the
//          same layout), whose writes no vote waits for.
// Errors   StoreError. After a failed write the index stands still and can still be read.
// Threads  one owner, the history tile.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/store/env.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::ledger {

/// Where a transaction stands in the final chain.
struct ChainPlace {
    Slot slot;
    std::uint32_t index = 0; // among the block's transactions
    friend auto operator<=>(const ChainPlace&, const ChainPlace&) = default;
};

struct AddressEntry {
    Pubkey address;
    ChainPlace place;
    Signature signature; // the first one
};

class AddressIndex {
public:
    /// The environment must outlive the index.
    explicit AddressIndex(LmdbEnv& env)
        : env_(env)
    {
    }

    struct Pruning {
        Slot below; // spans (span_key.hpp) that lie below go
        std::size_t records_max = 0;
    };
    /// One durable transaction: the entries, that everything up to this block is there, and what
    /// goes for it.
    [[nodiscard]] Result<void, StoreError> commit(std::span<const AddressEntry> entries,
                                                  const BlockRef& up_to, const Pruning& pruning);
    /// The block up to which all is there; nullopt: nothing is yet.
    [[nodiscard]] Result<std::optional<BlockRef>, StoreError> up_to() const;

    struct Query {
        Pubkey address;
        std::optional<ChainPlace> before; // only what stands before it
        std::size_t count_max = 0;
    };
    /// Newest first.
    [[nodiscard]] Result<std::vector<AddressEntry>, StoreError> newest(const Query& query) const;

private:
    LmdbEnv& env_;
};

} // namespace belfry::ledger
