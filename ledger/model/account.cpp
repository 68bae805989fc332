// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/account.hpp"

#include "base/check.hpp"

namespace belfry::ledger {

void encode_account_body(Bytes& out, const Account& account)
{
    BELFRY_CHECK(account.data.size() <= account_data_bytes_max);
    ByteWriter writer(out);
    writer.u64(account.lamports.value);
    writer.bytes(account.owner.view());
    writer.u8(account.executable ? 1 : 0);
    writer.u32(static_cast<std::uint32_t>(account.data.size()));
    writer.bytes(account.data);
}

void encode_account(Bytes& out, const Pubkey& address, const Account& account)
{
    ByteWriter(out).bytes(address.view());
    encode_account_body(out, account);
}

Bytes encode_account(const Pubkey& address, const Account& account)
{
    Bytes out;
    out.reserve(account_encoding_overhead + account.data.size());
    encode_account(out, address, account);
    return out;
}

Result<Account, AccountError> decode_account_body(ByteView body)
{
    ByteReader reader(body);
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
    return account;
}

Result<std::pair<Pubkey, Account>, AccountError> decode_account(ByteView encoded)
{
    if (encoded.size() < Pubkey::size_bytes) {
        return std::unexpected(AccountError::truncated);
    }
    BELFRY_TRY(account, decode_account_body(encoded.subspan(Pubkey::size_bytes)));
    return std::pair{Pubkey::from(encoded.first(Pubkey::size_bytes)), std::move(account)};
}

} // namespace belfry::ledger
