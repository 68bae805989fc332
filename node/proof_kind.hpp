// SPDX-License-Identifier: Apache-2.0
#pragma once
// proof_kind.hpp: under which kind the ledger keeps what consensus proved.

#include "consensus/engine.hpp"
#include "consensus/evidence.hpp"

#include <cstdint>

namespace belfry::node {

inline constexpr std::uint8_t evidence_kinds_begin = 32; // below: certificates, by StatementKind

[[nodiscard]] constexpr std::uint8_t proof_kind(consensus::StatementKind kind)
{
    return static_cast<std::uint8_t>(kind);
}
[[nodiscard]] constexpr std::uint8_t proof_kind(consensus::EvidenceKind kind)
{
    return static_cast<std::uint8_t>(evidence_kinds_begin + static_cast<std::uint8_t>(kind));
}

} // namespace belfry::node
