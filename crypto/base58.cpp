// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"

#include <algorithm>

namespace belfry::crypto {
namespace {

constexpr std::string_view alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static_assert(alphabet.size() == 58);

// Numbers are held in little-endian limbs, five characters or four bytes in each.
constexpr std::uint64_t five_characters = 58ULL * 58 * 58 * 58 * 58;
constexpr std::size_t characters_per_limb = 5;
constexpr std::size_t bytes_per_limb = 4;

/// limbs = limbs * factor + addend, in the given base; grows by a limb when it must.
void multiply_add(std::vector<std::uint32_t>& limbs, std::uint64_t base, std::uint64_t factor,
                  std::uint64_t addend)
{
    for (std::uint32_t& limb : limbs) {
        addend += limb * factor;
        limb = static_cast<std::uint32_t>(addend % base);
        addend /= base;
    }
    for (; addend != 0; addend /= base) {
        limbs.push_back(static_cast<std::uint32_t>(addend % base));
    }
}

} // namespace

std::string to_base58(ByteView bytes)
{
    const auto first = static_cast<std::size_t>(
        std::ranges::find_if(bytes, [](auto b) { return b != 0; }) - bytes.begin());
    std::vector<std::uint32_t> limbs;
    for (const std::uint8_t byte : bytes.subspan(first)) {
        multiply_add(limbs, five_characters, 256, byte);
    }
    std::string out;
    for (std::uint32_t limb : limbs) {
        for (std::size_t i = 0; i < characters_per_limb; ++i, limb /= 58) {
            out.push_back(alphabet[limb % 58]);
        }
    }
    while (!out.empty() && out.back() == alphabet[0]) {
        out.pop_back();
    }
    out.append(first, alphabet[0]); // leading zero bytes, one character each
    std::ranges::reverse(out);
    return out;
}

std::optional<Bytes> from_base58(std::string_view text, std::size_t bytes_max)
{
    // A byte takes at most log 256 / log 58 < 1.38 characters: longer texts are refused unread.
    if (text.size() > bytes_max + bytes_max * 38 / 100 + 1) {
        return std::nullopt;
    }
    const std::size_t zero_count = std::min(text.find_first_not_of(alphabet[0]), text.size());
    std::vector<std::uint32_t> limbs;
    for (const char character : text.substr(zero_count)) {
        const std::size_t digit = alphabet.find(character);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        multiply_add(limbs, 1ULL << 32, 58, digit);
    }
    Bytes out;
    for (std::uint32_t limb : limbs) {
        for (std::size_t i = 0; i < bytes_per_limb; ++i, limb >>= 8) {
            out.push_back(static_cast<std::uint8_t>(limb));
        }
    }
    while (!out.empty() && out.back() == 0) {
        out.pop_back();
    }
    out.resize(out.size() + zero_count);
    if (out.size() > bytes_max) {
        return std::nullopt;
    }
    std::ranges::reverse(out);
    return out;
}

} // namespace belfry::crypto
