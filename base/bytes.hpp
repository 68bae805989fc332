// SPDX-License-Identifier: Apache-2.0
#pragma once
// bytes.hpp: fixed byte strings that cannot be mixed up, and bounds-checked little-endian coding.
// Shapes   Hash and Pubkey are 32 bytes, Signature 64. All integers on the wire are little-endian.
// Errors   ByteReader never throws: after a read past the end every read gives zeros and ok() is
//          false. Callers ask ok() once, at the end.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace belfry {

using ByteView = std::span<const std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

template <class Tag, std::size_t N>
struct FixedBytes {
    static constexpr std::size_t size_bytes = N;
    std::array<std::uint8_t, N> bytes{};
    friend constexpr auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
    /// Valid as long as this object.
    [[nodiscard]] ByteView view() const { return bytes; }
    /// Precondition: source.size() == N.
    [[nodiscard]] static FixedBytes from(ByteView source)
    {
        FixedBytes out;
        copy_exactly(out.bytes, source);
        return out;
    }

private:
    static void copy_exactly(std::span<std::uint8_t> target, ByteView source);
};

void copy_bytes_exactly(std::span<std::uint8_t> target, ByteView source);

template <class Tag, std::size_t N>
void FixedBytes<Tag, N>::copy_exactly(std::span<std::uint8_t> target, ByteView source)
{
    copy_bytes_exactly(target, source);
}

using Hash = FixedBytes<struct HashTag, 32>;           // SHA-256 digests, block ids, state hashes
using Pubkey = FixedBytes<struct PubkeyTag, 32>;       // Ed25519 public keys, account addresses
using Signature = FixedBytes<struct SignatureTag, 64>; // Ed25519 signatures: R | S

/// Hash for in-memory tables keyed by digests and keys that an attacker can choose: mixes eight of
/// the bytes with a per-process secret. Never used where order or value reaches the chain.
struct FixedBytesHasher {
    [[nodiscard]] std::size_t mix(const std::uint8_t* bytes) const noexcept;
    template <class Tag, std::size_t N>
    std::size_t operator()(const FixedBytes<Tag, N>& value) const noexcept
    {
        return mix(value.bytes.data());
    }
};

[[nodiscard]] std::string to_hex(ByteView bytes);
/// nullopt on an odd length or a character that is not hexadecimal.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

/// Appends fields to a buffer owned by the caller.
class ByteWriter {
public:
    explicit ByteWriter(Bytes& out)
        : out_(out)
    {
    }
    void u8(std::uint8_t value) { out_.push_back(value); }
    void u16(std::uint16_t value) { little_endian(value, 2); }
    void u32(std::uint32_t value) { little_endian(value, 4); }
    void u64(std::uint64_t value) { little_endian(value, 8); }
    void bytes(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }

private:
    void little_endian(std::uint64_t value, unsigned byte_count)
    {
        for (unsigned i = 0; i < byte_count; ++i) {
            out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
        }
    }
    Bytes& out_;
};

/// Reads fields from a view. The view must outlive the reader and what bytes() returned.
class ByteReader {
public:
    explicit ByteReader(ByteView source)
        : source_(source)
    {
    }
    [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
    [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(little_endian(2)); }
    [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
    [[nodiscard]] std::uint64_t u64() { return little_endian(8); }
    /// The next byte_count bytes, or an empty view when there are fewer.
    [[nodiscard]] ByteView bytes(std::size_t byte_count)
    {
        if (!take(byte_count)) {
            return {};
        }
        return source_.subspan(position_ - byte_count, byte_count);
    }
    template <class Fixed>
    [[nodiscard]] Fixed fixed()
    {
        const ByteView view = bytes(Fixed::size_bytes);
        return view.empty() ? Fixed{} : Fixed::from(view);
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t left() const { return ok_ ? source_.size() - position_ : 0; }
    /// True when every byte was read and none was missing.
    [[nodiscard]] bool finished() const { return ok_ && position_ == source_.size(); }

private:
    bool take(std::size_t byte_count)
    {
        if (!ok_ || source_.size() - position_ < byte_count) {
            ok_ = false;
            return false;
        }
        position_ += byte_count;
        return true;
    }
    std::uint64_t little_endian(unsigned byte_count)
    {
        if (!take(byte_count)) {
            return 0;
        }
        std::uint64_t value = 0;
        for (unsigned i = 0; i < byte_count; ++i) {
            value |= std::uint64_t{source_[position_ - byte_count + i]} << (8 * i);
        }
        return value;
    }
    ByteView source_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

} // namespace belfry
