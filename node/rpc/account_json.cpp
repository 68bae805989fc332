// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/account_json.hpp"

#include "crypto/base58.hpp"
#include "node/rpc/error_text.hpp"
#include "node/rpc/transaction_text.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace belfry::node {
namespace {

constexpr std::string_view rent_epoch = "18446744073709551615"; // exempt, as all accounts here

std::string data_text(const Bytes& data, AccountEncoding encoding)
{
    switch (encoding) {
    case AccountEncoding::base58_text:
        return fmt::format(R"("{}")", crypto::to_base58(data));
    case AccountEncoding::base58:
        return fmt::format(R"(["{}","base58"])", crypto::to_base58(data));
    case AccountEncoding::base64:
        break;
    case AccountEncoding::base64_zstd:
        return fmt::format(R"(["{}","base64+zstd"])", to_base64(zstd_stored(data)));
    }
    return fmt::format(R"(["{}","base64"])", to_base64(data));
}

template <class List, class Item>
std::string list_text(const List& list, const Item& item)
{
    std::string text = "[";
    for (const auto& entry : list) {
        text += text.size() == 1 ? "" : ",";
        text += item(entry);
    }
    return text + ']';
}

std::string numbers_text(std::span<const std::uint64_t> numbers)
{
    return list_text(numbers, [](std::uint64_t number) { return fmt::format("{}", number); });
}

} // namespace

bool fits_encoding(const AccountView& account, AccountEncoding encoding)
{
    const bool is_base58 =
        encoding == AccountEncoding::base58 || encoding == AccountEncoding::base58_text;
    return !is_base58 || account.data.size() <= base58_data_bytes_max;
}

RpcErrorText base58_refusal()
{
    return {RpcCode::invalid_request,
            "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 "
            "encoding.",
            {}};
}

std::string account_text(const std::optional<AccountView>& account, AccountEncoding encoding)
{
    if (!account) {
        return "null";
    }
    return fmt::format(R"({{"data":{},"executable":{},"lamports":{},"owner":"{}","rentEpoch":{},)"
                       R"("space":{}}})",
                       data_text(account->data, encoding), account->executable,
                       account->lamports.value, crypto::to_base58(account->owner), rent_epoch,
                       account->space_bytes);
}

std::string simulation_text(const SimulationAnswer& simulation, const SimulateTransaction* question)
{
    std::string accounts = "null";
    if (question != nullptr && question->accounts_wanted) {
        accounts = list_text(simulation.accounts, [question](const auto& account) {
            return account_text(account, question->encoding);
        });
    }
    // No program here calls another.
    const bool inner = question != nullptr && question->inner_wanted;
    std::string replacement = "null";
    if (simulation.replacement) {
        replacement = fmt::format(R"({{"blockhash":"{}","lastValidBlockHeight":{}}})",
                                  crypto::to_base58(simulation.replacement->view()),
                                  simulation.replacement_last_valid.value);
    }
    const std::span<const std::uint64_t> balances(simulation.balances);
    const std::size_t half = balances.size() / 2;
    // A log line holds base58 and numbers only; nothing in it needs escaping.
    return fmt::format(
        R"({{"err":{},"logs":{},"accounts":{},"unitsConsumed":{},"returnData":null,)"
        R"("innerInstructions":{},"loadedAccountsDataSize":{},"replacementBlockhash":{},)"
        R"("fee":{},"preBalances":{},"postBalances":{}}})",
        error_json_text(simulation.error),
        list_text(simulation.logs,
                  [](const std::string& line) { return fmt::format(R"("{}")", line); }),
        accounts, simulation.units_consumed, inner ? "[]" : "null", simulation.loaded_bytes,
        replacement,
        simulation.fee ? fmt::format("{}", simulation.fee->value) : std::string("null"),
        numbers_text(balances.first(half)), numbers_text(balances.subspan(half)));
}

Bytes zstd_stored(ByteView data)
{
    constexpr std::size_t block_bytes_max = std::size_t{128} * 1024;
    constexpr std::uint8_t single_segment_u32_size = 0b1010'0000;
    Bytes frame;
    ByteWriter out(frame);
    out.u32(0xfd2fb528); // the magic number, little-endian
    out.u8(single_segment_u32_size);
    out.u32(static_cast<std::uint32_t>(data.size()));
    do {
        const std::size_t count = std::min(block_bytes_max, data.size());
        const bool last = count == data.size();
        const auto header = static_cast<std::uint32_t>(count << 3 | (last ? 1U : 0U)); // raw: 0
        out.u8(static_cast<std::uint8_t>(header));
        out.u8(static_cast<std::uint8_t>(header >> 8));
        out.u8(static_cast<std::uint8_t>(header >> 16));
        out.bytes(data.first(count));
        data = data.subspan(count);
        if (last) {
            break;
        }
    } while (true);
    return frame;
}

} // namespace belfry::node
