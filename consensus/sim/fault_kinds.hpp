// SPDX-License-Identifier: Apache-2.0
#pragma once
// fault_kinds.hpp: the kinds of trouble that a seed may draw, and sets of them by name.
// Rule     each kind draws from a stream of its own, so that leaving one out changes no other:
//          what the minimising of a failing seed lives by.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace belfry::consensus::sim {

enum class FaultKind : std::uint8_t {
    loss,        // 0 to 30 % of datagrams
    duplication, // 0 to 50 %
    delay,       // a tail of mean 30 to 100 ms, which reorders
    clog,        // links that deliver nothing for up to 5 s
    partition,   // of a drawn size, by a coin for each, of one machine; one way or both
    crash,       // what was not synced is lost, or torn
    pause,       // of up to 3 s
    skew,        // slots begin up to 400 ms late
    disk,        // syncs take up to 1.5 s
    idle,        // leaders that build nothing
    stake,       // 1 to 20 each
    byzantine,   // less than a third of stake lies, see roles.hpp, or runs twice
};
inline constexpr std::size_t fault_kind_count = 12;
inline constexpr std::array<std::string_view, fault_kind_count> fault_kind_names{
    "loss",  "duplication", "delay", "clog", "partition", "crash",
    "pause", "skew",        "disk",  "idle", "stake",     "byzantine"};

class FaultSet {
public:
    [[nodiscard]] static constexpr FaultSet all()
    {
        FaultSet set;
        set.bits_ = (1U << fault_kind_count) - 1;
        return set;
    }
    [[nodiscard]] constexpr bool has(FaultKind kind) const { return (bits_ & bit(kind)) != 0; }
    [[nodiscard]] constexpr FaultSet with(FaultKind kind) const
    {
        FaultSet set = *this;
        set.bits_ |= bit(kind);
        return set;
    }
    [[nodiscard]] constexpr FaultSet without(FaultKind kind) const
    {
        FaultSet set = *this;
        set.bits_ &= ~bit(kind);
        return set;
    }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    friend constexpr bool operator==(const FaultSet&, const FaultSet&) = default;

    /// "all", "none", or names with commas between; nullopt for anything else.
    [[nodiscard]] static std::optional<FaultSet> parse(std::string_view text);
    [[nodiscard]] std::string text() const;

private:
    [[nodiscard]] static constexpr std::uint32_t bit(FaultKind kind)
    {
        return std::uint32_t{1} << static_cast<unsigned>(kind);
    }
    std::uint32_t bits_ = 0;
};

} // namespace belfry::consensus::sim
