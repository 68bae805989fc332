// SPDX-License-Identifier: Apache-2.0
#pragma once
// ledger_audit.hpp: reads a stopped validator's ledger from disk and does the sums again.
// Rule     an independent witness: it knows the layout on disk (ledger/store/layout.hpp) and the
//          wire formats, and shares no decoding, execution or storage code with the node.
// Shapes   plain System transfers are replayed one after another; other instructions are an error
//          of the audit, for the demo sends none.
// Errors   std::runtime_error, one line, when the ledger cannot be read as the layout says.

#include "base/bytes.hpp"
#include "base/strong.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace belfry::node {

struct AuditRules {
    std::uint64_t lamports_per_signature = 0;
    std::uint64_t burn_percent = 0;
    std::uint64_t rent_exempt_minimum = 0;   // of an account without data
    std::map<Pubkey, std::uint64_t> genesis; // lamports by address
    std::vector<Pubkey> fee_takers;          // validators' identities
};

struct AuditBlock {
    Slot slot;
    Hash id;
    std::uint64_t transaction_count = 0;
};

/// What became of one transaction of the finalized chain.
struct AuditOutcome {
    Slot slot;
    std::uint32_t times = 0;
    std::string error; // empty: it took effect
};

struct LedgerAudit {
    std::vector<AuditBlock> blocks; // the finalized chain above genesis, in order
    std::unordered_map<Hash, AuditOutcome, FixedBytesHasher> transactions; // by message hash
    std::uint64_t executed_twice = 0;
    std::uint64_t fees = 0;
    std::uint64_t burnt = 0;
    Slot anchor_slot; // of the accounts on disk
    bool balances_add_up = false;
    std::string balances_why; // empty when they do
};

/// ledger_file is <data directory>/ledger.mdb; no node may have it open.
[[nodiscard]] LedgerAudit audit_ledger(const std::filesystem::path& ledger_file,
                                       const AuditRules& rules);

} // namespace belfry::node
