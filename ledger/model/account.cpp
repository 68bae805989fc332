// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/account.hpp"

#include "base/check.hpp"

namespace belfry::ledger {

void encode_account(Bytes& out, const Pubkey& address, const Account& account)
{
    BELFRY_CHECK(account.data.size() <= account_data_bytes_max);
    ByteWriter writer(out);
    writer.bytes(address.view());
    writer.u64(account.lamports.value);
    writer.bytes(account.owner.view());
    writer.u8(account.executable ? 1 : 0);
    writer.u32(static_cast<std::uint32_t>(account.data.size()));
    writer.bytes(account.data);
}

Bytes encode_account(const Pubkey& address, const Account& account)
{
    Bytes out;
    out.reserve(account_encoding_overhead + account.data.size());
    encode_account(out, address, account);
    return out;
}

Result<std::pair<Pubkey, Account>, AccountError> decode_account(ByteView encoded)
{
    ByteReader reader(encoded);
    const auto address = reader.fixed<Pubkey>();
    Account account;
    account.lamports = Lamports{reader.u64()};
    account.owner = reader.fixed<Pubkey>();
    const std::uint8_t executable = reader.u8();
    const std::uint32_t data_bytes = reader.u32();
    const ByteView data = reader.bytes(data_bytes);
    if (!reader.ok()) {
        return std::unexpected(AccountError::truncated);
    }
    if (!reader.finished()) {
        return std::unexpected(AccountError::trailing_bytes);
    }
    if (executable > 1 || data.size() > account_data_bytes_max) {
        return std::unexpected(AccountError::out_of_bounds);
    }
    account.executable = executable == 1;
    account.data.assign(data.begin(), data.end());
    return std::pair{address, std::move(account)};
}

} // namespace belfry::ledger
