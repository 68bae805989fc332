// SPDX-License-Identifier: Apache-2.0
#include "ledger/model/transaction.hpp"

#include "base/check.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/sha256.hpp"
#include "ledger/model/short_vec.hpp"

#include <algorithm>

namespace belfry::ledger {

namespace {
constexpr std::size_t key_bytes = Pubkey::size_bytes;
constexpr std::size_t signature_bytes = Signature::size_bytes;
constexpr std::uint8_t version_bit = 0x80; // of a message's first byte: the rest is its version

InstructionView instruction_at(ByteView wire, std::size_t offset)
{
    InstructionView view;
    view.program_index = wire[offset];
    ByteView rest = wire.subspan(offset + 1);
    for (ByteView* part : {&view.accounts, &view.data}) {
        const std::optional<ShortVec> count = read_short_vec(rest);
        BELFRY_CHECK(count.has_value() && rest.size() >= count->encoded_bytes + count->value);
        *part = rest.subspan(count->encoded_bytes, count->value);
        rest = rest.subspan(count->encoded_bytes + std::size_t{count->value});
    }
    return view;
}
} // namespace

/// Walks over the wire bytes once; the first broken rule ends it.
class TransactionParser {
public:
    [[nodiscard]] Result<Transaction, TransactionError> parse(ByteView wire)
    {
        if (wire.size() > transaction_bytes_max) {
            return std::unexpected(TransactionError::too_large);
        }
        std::ranges::copy(wire, transaction_.wire_.begin());
        transaction_.wire_bytes_ = static_cast<std::uint16_t>(wire.size());
        wire_ = wire;
        for (const auto step : {&TransactionParser::signatures, &TransactionParser::header,
                                &TransactionParser::accounts, &TransactionParser::instructions,
                                &TransactionParser::tail, &TransactionParser::signer_keys}) {
            const Result<void, TransactionError> done = (this->*step)();
            if (!done) {
                return std::unexpected(done.error());
            }
        }
        transaction_.message_hash_ = crypto::sha256(transaction_.message());
        return transaction_;
    }

private:
    using Step = Result<void, TransactionError>;

    [[nodiscard]] Result<ByteView, TransactionError> take(std::size_t byte_count)
    {
        if (wire_.size() - position_ < byte_count) {
            return std::unexpected(TransactionError::truncated);
        }
        position_ += byte_count;
        return wire_.subspan(position_ - byte_count, byte_count);
    }

    [[nodiscard]] Result<std::uint16_t, TransactionError> take_count()
    {
        const ByteView rest = wire_.subspan(position_);
        const std::optional<ShortVec> count = read_short_vec(rest);
        if (count) {
            position_ += count->encoded_bytes;
            return count->value;
        }
        // Cut short is another fault than a second encoding of the same count.
        const auto is_last = [](std::uint8_t byte) {
            return (byte & 0x80U) == 0;
        };
        const bool has_end =
            std::ranges::any_of(rest.first(std::min<std::size_t>(rest.size(), 3)), is_last);
        return std::unexpected(has_end || rest.size() >= 3 ? TransactionError::bad_count
                                                           : TransactionError::truncated);
    }

    [[nodiscard]] Step signatures()
    {
        if (!wire_.empty() && wire_.front() == (version_bit | 1)) {
            return std::unexpected(TransactionError::unsupported_v1);
        }
        BELFRY_TRY(count, take_count());
        if (count == 0) {
            return std::unexpected(TransactionError::no_signature);
        }
        signature_count_ = count;
        BELFRY_TRY(bytes, take(count * signature_bytes));
        transaction_.message_offset_ = static_cast<std::uint16_t>(position_);
        static_cast<void>(bytes);
        return {};
    }

    [[nodiscard]] Step header()
    {
        if (position_ == wire_.size()) {
            return std::unexpected(TransactionError::truncated);
        }
        if ((wire_[position_] & version_bit) != 0) {
            if (wire_[position_] != version_bit) {
                return std::unexpected(TransactionError::unsupported_version);
            }
            transaction_.version_ = MessageVersion::v0;
            ++position_;
        }
        BELFRY_TRY(counts, take(3));
        transaction_.header_ = MessageHeader{.required_signature_count = counts[0],
                                             .readonly_signed_count = counts[1],
                                             .readonly_unsigned_count = counts[2]};
        if (counts[0] != signature_count_) {
            return std::unexpected(TransactionError::signature_count_mismatch);
        }
        if (counts[1] >= counts[0]) { // the fee payer must be among the writable ones
            return std::unexpected(TransactionError::no_writable_signer);
        }
        return {};
    }

    [[nodiscard]] Step accounts()
    {
        BELFRY_TRY(count, take_count());
        const MessageHeader header = transaction_.header_;
        if (count > transaction_accounts_max) {
            return std::unexpected(TransactionError::too_many_accounts);
        }
        if (header.required_signature_count + header.readonly_unsigned_count > count) {
            return std::unexpected(TransactionError::header_exceeds_keys);
        }
        transaction_.accounts_offset_ = static_cast<std::uint16_t>(position_);
        transaction_.account_count_ = static_cast<std::uint8_t>(count);
        BELFRY_TRY(keys, take(count * key_bytes + Hash::size_bytes)); // and the blockhash
        for (std::size_t i = 1; i < count; ++i) {
            const ByteView key = keys.subspan(i * key_bytes, key_bytes);
            for (std::size_t k = 0; k < i; ++k) {
                if (std::ranges::equal(key, keys.subspan(k * key_bytes, key_bytes))) {
                    return std::unexpected(TransactionError::duplicate_account);
                }
            }
        }
        return {};
    }

    [[nodiscard]] Step instructions()
    {
        BELFRY_TRY(count, take_count());
        if (count > transaction_instructions_max) {
            return std::unexpected(TransactionError::too_many_instructions);
        }
        transaction_.instruction_count_ = static_cast<std::uint8_t>(count);
        for (std::size_t i = 0; i < count; ++i) {
            transaction_.instruction_offsets_[i] = static_cast<std::uint16_t>(position_);
            const Step done = one_instruction();
            if (!done) {
                return done;
            }
        }
        return {};
    }

    [[nodiscard]] Step one_instruction()
    {
        BELFRY_TRY(program, take(1));
        if (program[0] == 0) {
            return std::unexpected(TransactionError::program_is_fee_payer);
        }
        if (program[0] >= transaction_.account_count_) {
            return std::unexpected(TransactionError::program_index_out_of_range);
        }
        BELFRY_TRY(index_count, take_count());
        BELFRY_TRY(indexes, take(index_count));
        const std::uint8_t account_count = transaction_.account_count_;
        index_is_bad_ |=
            std::ranges::any_of(indexes, [=](std::uint8_t i) { return i >= account_count; });
        BELFRY_TRY(data_bytes, take_count());
        BELFRY_TRY(data, take(data_bytes));
        static_cast<void>(data);
        return {};
    }

    [[nodiscard]] Step tail()
    {
        if (transaction_.version_ == MessageVersion::v0) {
            BELFRY_TRY(table_count, take_count());
            if (table_count != 0) {
                return std::unexpected(TransactionError::lookup_table);
            }
        }
        if (index_is_bad_) {
            return std::unexpected(TransactionError::account_index_out_of_range);
        }
        if (position_ != wire_.size()) {
            return std::unexpected(TransactionError::trailing_bytes);
        }
        return {};
    }

    [[nodiscard]] Step signer_keys()
    {
        for (std::size_t i = 0; i < transaction_.signature_count(); ++i) {
            if (!crypto::ed25519_key_is_admissible(transaction_.account(i))) {
                return std::unexpected(TransactionError::key_not_admissible);
            }
        }
        return {};
    }

    Transaction transaction_;
    ByteView wire_;
    std::size_t position_ = 0;
    std::size_t signature_count_ = 0;
    bool index_is_bad_ = false; // told after the tables: into those, the index may be right
};

Result<Transaction, TransactionError> parse_transaction(ByteView wire)
{
    return TransactionParser{}.parse(wire);
}

Signature Transaction::signature(std::size_t index) const
{
    BELFRY_CHECK(index < signature_count());
    // The parser let pass only counts below 128, which take one byte.
    return Signature::from(wire().subspan(1 + index * signature_bytes, signature_bytes));
}

Pubkey Transaction::account(std::size_t index) const
{
    BELFRY_CHECK(index < account_count_);
    return Pubkey::from(wire().subspan(accounts_offset_ + index * key_bytes, key_bytes));
}

Hash Transaction::recent_blockhash() const
{
    const std::size_t offset = accounts_offset_ + account_count_ * key_bytes;
    return Hash::from(wire().subspan(offset, Hash::size_bytes));
}

InstructionView Transaction::instruction(std::size_t index) const
{
    BELFRY_CHECK(index < instruction_count_);
    return instruction_at(wire(), instruction_offsets_[index]);
}

bool Transaction::is_signer(std::size_t account_index) const
{
    BELFRY_CHECK(account_index < account_count_);
    return account_index < header_.required_signature_count;
}

bool Transaction::is_writable(std::size_t account_index) const
{
    BELFRY_CHECK(account_index < account_count_);
    const std::size_t signers = header_.required_signature_count;
    const std::size_t readonly_from =
        account_index < signers ? signers - header_.readonly_signed_count
                                : account_count_ - std::size_t{header_.readonly_unsigned_count};
    return account_index < readonly_from;
}

std::string_view to_string(TransactionError error)
{
    switch (error) {
    case TransactionError::too_large:
        return "too_large";
    case TransactionError::truncated:
        return "truncated";
    case TransactionError::bad_count:
        return "bad_count";
    case TransactionError::trailing_bytes:
        return "trailing_bytes";
    case TransactionError::no_signature:
        return "no_signature";
    case TransactionError::unsupported_v1:
        return "unsupported_v1";
    case TransactionError::unsupported_version:
        return "unsupported_version";
    case TransactionError::lookup_table:
        return "lookup_table";
    case TransactionError::signature_count_mismatch:
        return "signature_count_mismatch";
    case TransactionError::no_writable_signer:
        return "no_writable_signer";
    case TransactionError::header_exceeds_keys:
        return "header_exceeds_keys";
    case TransactionError::too_many_accounts:
        return "too_many_accounts";
    case TransactionError::duplicate_account:
        return "duplicate_account";
    case TransactionError::too_many_instructions:
        return "too_many_instructions";
    case TransactionError::program_index_out_of_range:
        return "program_index_out_of_range";
    case TransactionError::program_is_fee_payer:
        return "program_is_fee_payer";
    case TransactionError::account_index_out_of_range:
        return "account_index_out_of_range";
    case TransactionError::key_not_admissible:
        return "key_not_admissible";
    }
    return "unknown";
}

} // namespace belfry::ledger
