// SPDX-License-Identifier: Apache-2.0
#pragma once
// network.hpp: what becomes of a datagram between two machines: how many copies arrive, and when.
// Shapes   a link is an ordered pair of machines, so every fault can be one-way. Statements and
//          blocks are cut or held apart. A cut link loses; a held one keeps until it is let go; a
//          clogged one delivers nothing before an instant.
// Rule     all chance comes from the caller's Random; integers only.

#include "consensus/sim/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace belfry::consensus::sim {

struct Range {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

enum class Payload : std::uint8_t { statement, block };

struct NetworkOptions {
    /// The one-way medians of regions.hpp, machine i in region i modulo 13; else delay_ms.
    bool regions = false;
    Range delay_ms{.low = 10, .high = 120};
    /// Mean of a long tail that is added to each delay, and reorders.
    std::uint64_t tail_ms = 0;
    std::uint64_t loss_percent = 0;
    std::uint64_t duplicate_percent = 0;
};

class Network {
public:
    Network(std::size_t machine_count, const NetworkOptions& options);

    struct Fate {
        std::array<std::uint64_t, 2> in_ms{}; // of each copy
        std::uint8_t copies = 0;
        bool held = false;
    };
    struct Link {
        std::size_t from = 0;
        std::size_t to = 0;
    };
    [[nodiscard]] Fate send(const Link& link, Payload payload, std::uint64_t now, Random& random);
    /// How long a datagram takes there that is not lost.
    [[nodiscard]] std::uint64_t delay(const Link& link, Random& random) const;
    [[nodiscard]] bool is_cut(const Link& link, Payload payload) const
    {
        return (flags_[place(link)] & cut_bit(payload)) != 0;
    }

    void cut(const Link& link, Payload payload, bool yes);
    void hold(const Link& link, Payload payload, bool yes);
    [[nodiscard]] bool is_held(const Link& link, Payload payload) const
    {
        return (flags_[place(link)] & hold_bit(payload)) != 0;
    }
    /// Machines hear only those of the same group. groups[i] for machine i.
    void split(std::span<const unsigned> groups);
    /// No link is cut or clogged any more. Held ones stay held.
    void heal();
    /// The same, but only between two machines that are both marked.
    void heal_among(const std::vector<bool>& marked);
    void clog(const Link& link, std::uint64_t until);

    [[nodiscard]] NetworkOptions& options() { return options_; }
    [[nodiscard]] const NetworkOptions& options() const { return options_; }

private:
    [[nodiscard]] std::size_t place(const Link& link) const { return link.from * count_ + link.to; }
    [[nodiscard]] static std::uint8_t cut_bit(Payload payload)
    {
        return payload == Payload::statement ? 1 : 2;
    }
    [[nodiscard]] static std::uint8_t hold_bit(Payload payload)
    {
        return payload == Payload::statement ? 4 : 8;
    }
    void set(const Link& link, std::uint8_t bit, bool yes);

    std::size_t count_;
    NetworkOptions options_;
    std::vector<std::uint8_t> flags_;       // by link
    std::vector<std::uint64_t> clogged_to_; // by link; empty until something clogs
};

} // namespace belfry::consensus::sim
