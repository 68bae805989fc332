// SPDX-License-Identifier: Apache-2.0
#pragma once
// account_questions.hpp: questions about accounts and about what a transaction would do, and their
// answers; a part of backend.hpp.
// Bounds   accounts_per_request_max accounts; their data together account_bytes_per_request_max,
//          or the node says that it is too much.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "exec/transaction_error.hpp"
#include "node/rpc/commitment.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {

inline constexpr std::size_t accounts_per_request_max = 100;
inline constexpr std::size_t account_bytes_per_request_max = std::size_t{16} << 20;

enum class AccountEncoding : std::uint8_t { base58_text, base58, base64, base64_zstd };

/// The part of an account's data that is wanted.
struct DataSlice {
    std::uint64_t offset = 0;
    std::uint64_t length = UINT64_MAX;
};

struct GetAccounts {
    std::vector<Pubkey> accounts; // at most accounts_per_request_max
    DataSlice slice = {};
    Commitment commitment = Commitment::finalized;
    AccountEncoding encoding = AccountEncoding::base58_text; // for RPC
    bool only_one = false;                                   // for RPC: a value, not a list
};

/// What an account is in a block's state; space counts all its data, also what was not asked for.
struct AccountView {
    Lamports lamports;
    Pubkey owner;
    bool executable = false;
    std::uint64_t space_bytes = 0;
    Bytes data;
    friend bool operator==(const AccountView&, const AccountView&) = default;
};
/// To GetAccounts, in the order of the question; nullopt: no such account.
struct AccountsAnswer {
    std::vector<std::optional<AccountView>> accounts;
};

/// Executed on the commitment's state, and nothing else: no effect.
struct SimulateTransaction {
    Bytes wire;
    bool replace_blockhash = false; // as if it named the newest blockhash
    std::vector<Pubkey> accounts;   // of the transaction; their state after it is wanted
    Commitment commitment = Commitment::finalized;
    AccountEncoding encoding = AccountEncoding::base64; // for RPC
    bool accounts_wanted = false;                       // for RPC
    bool inner_wanted = false;                          // for RPC
};
/// To SimulateTransaction; with error it is also what a failed preflight shows.
struct SimulationAnswer {
    exec::TransactionError error;
    std::vector<std::string> logs;
    std::uint64_t units_consumed = 0;
    std::uint64_t loaded_bytes = 0;      // data of the transaction's accounts
    std::optional<Lamports> fee;         // nullopt: its blockhash is not valid
    std::vector<std::uint64_t> balances; // of every account before, then after; may be empty
    std::vector<std::optional<AccountView>> accounts;
    std::optional<Hash> replacement;
    Height replacement_last_valid;
};

/// Where the node keeps the key of a faucet: a transfer from it, sent like any other.
struct RequestAirdrop {
    Pubkey to;
    Lamports lamports;
    Commitment commitment = Commitment::finalized; // of the blockhash
};
/// To RequestAirdrop.
struct AirdropAnswer {
    Signature signature;
};

struct GetSupply {
    Commitment commitment = Commitment::finalized;
};
/// To GetSupply.
struct SupplyAnswer {
    Lamports total;
};

} // namespace belfry::node
