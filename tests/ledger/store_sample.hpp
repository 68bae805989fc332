// SPDX-License-Identifier: Apache-2.0
#pragma once
// store_sample.hpp: what store_writer.cpp writes into the stores of the ledger, and whether a
// directory holds it.
// Shapes   everything is a function of its number, so a reader needs no copy.
// Errors   WrongContent: a store has opened and shows what was never written. What a store itself
//          throws goes through.

#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "ledger/store/vote_journal.hpp"
#include "tests/ledger/sample_block.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace belfry::ledger::sample {

class WrongContent : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

inline constexpr std::uint64_t flush_every = 4;
inline constexpr std::uint64_t proof_every = 3;
inline constexpr std::uint64_t prune_every = 16;
inline constexpr std::uint64_t kept_slots = 40;

[[nodiscard]] VoteJournal::Options journal_options();
[[nodiscard]] LmdbEnv::Options env_options(const std::string& directory);

[[nodiscard]] Bytes journal_body(std::uint64_t number);
[[nodiscard]] std::uint8_t journal_kind(std::uint64_t number);
[[nodiscard]] BlockRef ref_at(std::uint64_t slot);
[[nodiscard]] SampleBlock block_at(std::uint64_t slot);
[[nodiscard]] SignatureRecord signature_at(std::uint64_t slot);
[[nodiscard]] Proof proof_at(std::uint64_t slot);
[[nodiscard]] Anchor anchor_at(std::uint64_t slot);
[[nodiscard]] std::vector<AccountChange> changes_at(std::uint64_t slot);

/// The newest of each store; 0 where there is nothing.
struct Newest {
    std::uint64_t journal = 0; // sequence
    std::uint64_t blocks = 0;  // slot; the one before it is final
    std::uint64_t accounts = 0;
    std::uint64_t proofs = 0;
};

/// Opens all stores, as a node does, and compares every record with what was written.
[[nodiscard]] Newest verify(const std::string& directory);

} // namespace belfry::ledger::sample
