// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <random>

namespace belfry {

void copy_bytes_exactly(std::span<std::uint8_t> target, ByteView source)
{
    BELFRY_CHECK(target.size() == source.size());
    std::ranges::copy(source, target.begin());
}

std::size_t FixedBytesHasher::mix(const std::uint8_t* bytes) const noexcept
{
    static const std::array<std::uint64_t, 2> secret = [] {
        std::random_device device;
        const auto draw = [&device] {
            return (std::uint64_t{device()} << 32) | device();
        };
        return std::array<std::uint64_t, 2>{draw(), draw() | 1};
    }();
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), bytes, sizeof(words));
    std::uint64_t value = secret[0];
    for (const std::uint64_t word : words) { // all 32 bytes: addresses may share long prefixes
        value = (value ^ word) * secret[1];
        value ^= value >> 29;
    }
    return value;
}

std::string to_hex(ByteView bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

std::optional<Bytes> from_hex(std::string_view text)
{
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    const auto nibble = [](char c) -> int {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        const char lower = static_cast<char>(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = nibble(text[i]);
        const int low = nibble(text[i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::uint8_t>((high << 4) | low));
    }
    return bytes;
}

} // namespace belfry
