// SPDX-License-Identifier: Apache-2.0
#include "tests/ledger/wire_transaction.hpp"

#include "base/check.hpp"
#include "crypto/ed25519_bulk_sign.hpp"

#include <boost/json.hpp>

#include <fstream>
#include <sstream>

namespace belfry::ledger {

namespace {
/// Written apart from the library's: by arithmetic, not by shifting.
void count(Bytes& out, std::size_t value)
{
    for (; value >= 128; value /= 128) {
        out.push_back(static_cast<std::uint8_t>(value % 128 + 128));
    }
    out.push_back(static_cast<std::uint8_t>(value));
}

template <class Range>
void append(Bytes& out, const Range& bytes)
{
    out.insert(out.end(), bytes.begin(), bytes.end());
}

const boost::json::object& golden(std::string_view name)
{
    static const boost::json::value all = [] {
        std::ifstream file(BELFRY_SOURCE_DIR "/tests/vectors/solana_transactions.json");
        std::ostringstream text;
        text << file.rdbuf();
        return boost::json::parse(text.str());
    }();
    return all.as_object().at(name).as_object();
}
} // namespace

Bytes WireTransaction::message() const
{
    Bytes out;
    if (version) {
        out.push_back(*version);
    }
    append(out,
           std::array{required_signature_count, readonly_signed_count, readonly_unsigned_count});
    count(out, keys.size());
    for (const Pubkey& key : keys) {
        append(out, key.bytes);
    }
    append(out, blockhash.bytes);
    count(out, instructions.size());
    for (const Instruction& instruction : instructions) {
        out.push_back(instruction.program_index);
        count(out, instruction.accounts.size());
        append(out, instruction.accounts);
        count(out, instruction.data.size());
        append(out, instruction.data);
    }
    append(out, tail);
    return out;
}

Bytes WireTransaction::encode() const
{
    Bytes out;
    count(out, signatures.size());
    for (const Signature& signature : signatures) {
        append(out, signature.bytes);
    }
    append(out, message());
    return out;
}

Pubkey signer_key(std::uint8_t index)
{
    const Bytes seed(32, static_cast<std::uint8_t>(index + 1));
    return crypto::InsecureSigningKey::from_seed(seed).pubkey;
}

Pubkey address(std::uint8_t index)
{
    Pubkey key;
    key.bytes.fill(index);
    return key;
}

WireTransaction sound_transfer()
{
    WireTransaction transaction;
    transaction.signatures.resize(1);
    transaction.required_signature_count = 1;
    transaction.readonly_unsigned_count = 1;
    transaction.keys = {signer_key(0), signer_key(1), Pubkey{}};
    transaction.blockhash.bytes.fill(9);
    transaction.instructions = {
        {.program_index = 2, .accounts = {0, 1}, .data = {2, 0, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0}}};
    return transaction;
}

Bytes golden_wire(std::string_view name)
{
    const std::optional<Bytes> wire = from_hex(golden(name).at("hex").as_string());
    BELFRY_CHECK(wire.has_value());
    return *wire;
}

std::string golden_signature(std::string_view name)
{
    return std::string(golden(name).at("sig").as_string());
}

} // namespace belfry::ledger
