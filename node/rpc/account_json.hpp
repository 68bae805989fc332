// SPDX-License-Identifier: Apache-2.0
#pragma once
// account_json.hpp: accounts and simulations as the JSON text of Solana's RPC.
// Rule     base64+zstd data is a zstd frame of uncompressed blocks: any decoder reads it, and the
//          node spends no time on what it may be asked for by anybody.
// Source   RFC 8878 for the frame.

#include "node/rpc/account_questions.hpp"
#include "node/rpc/json_rpc.hpp"

#include <string>

namespace belfry::node {

inline constexpr std::size_t base58_data_bytes_max = 128;

/// False: base58 was asked for, and the data is longer than base58_data_bytes_max.
[[nodiscard]] bool fits_encoding(const AccountView& account, AccountEncoding encoding);
[[nodiscard]] RpcErrorText base58_refusal();

/// null, or the account's object. Precondition: it fits.
[[nodiscard]] std::string account_text(const std::optional<AccountView>& account,
                                       AccountEncoding encoding);
[[nodiscard]] std::string simulation_text(const SimulationAnswer& simulation,
                                          const SimulateTransaction* question);
/// A whole frame.
[[nodiscard]] Bytes zstd_stored(ByteView data);

} // namespace belfry::node
