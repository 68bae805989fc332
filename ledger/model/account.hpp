// SPDX-License-Identifier: Apache-2.0
#pragma once
// account.hpp: what stands under an address: money, owner, bytes.
// Shapes   the one encoding, for the store and for the hash over all accounts:
//          pubkey 32 | lamports u64 | owner 32 | executable u8 | data bytes u32 | data
// Bounds   account_data_bytes_max bytes of data. An account of 0 lamports does not exist.
// Errors   AccountError from decode_account.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/model/program_ids.hpp"

#include <cstdint>
#include <utility>

namespace belfry::ledger {

inline constexpr std::size_t account_data_bytes_max = 10U << 20;
inline constexpr std::size_t account_encoding_overhead = 32 + 8 + 32 + 1 + 4;

struct Account {
    Lamports lamports;
    Pubkey owner = system_program;
    Bytes data = {};
    bool executable = false;
    friend bool operator==(const Account&, const Account&) = default;
};

enum class AccountError : std::uint8_t { truncated, trailing_bytes, out_of_bounds };

/// Precondition: data fits account_data_bytes_max.
void encode_account(Bytes& out, const Pubkey& address, const Account& account);
[[nodiscard]] Bytes encode_account(const Pubkey& address, const Account& account);
[[nodiscard]] Result<std::pair<Pubkey, Account>, AccountError> decode_account(ByteView encoded);

/// The part of the encoding after the address.
void encode_account_body(Bytes& out, const Account& account);
[[nodiscard]] Result<Account, AccountError> decode_account_body(ByteView body);

} // namespace belfry::ledger
