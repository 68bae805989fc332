// SPDX-License-Identifier: Apache-2.0
#pragma once
// proof_store.hpp: certificates of final slots, and evidence against validators, on disk.
// Shapes   a proof is found by slot, kind and whom it is about; its bytes are opaque here. What was
//          stored first under a name stays: one proof is as good as another.
// Bounds   proof_bytes_max each; reads that list have a max.
// Errors   StoreError. A proof that is not there is nullopt, never an error.
// Threads  a store has one owner, the store tile; readers may be anywhere.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "ledger/store/env.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace belfry::ledger {

inline constexpr std::size_t proof_bytes_max = 24'000;

struct ProofName {
    Slot slot;
    std::uint8_t kind = 0;
    std::uint16_t about = 0; // a validator's index in the roster; 0 for a certificate
    friend bool operator==(const ProofName&, const ProofName&) = default;
};
struct Proof {
    ProofName name;
    Bytes bytes;
    friend bool operator==(const Proof&, const Proof&) = default;
};

class ProofReader {
public:
    /// The environment must outlive the reader.
    explicit ProofReader(const LmdbEnv& env)
        : env_(env)
    {
    }
    [[nodiscard]] Result<std::optional<Proof>, StoreError> find(const ProofName& name) const;
    /// Of slots from the highest down, those of kinds first..last, at most count_max.
    struct KindRange {
        std::uint8_t first = 0;
        std::uint8_t last = UINT8_MAX;
    };
    [[nodiscard]] Result<std::vector<Proof>, StoreError> newest(const KindRange& kinds,
                                                                std::size_t count_max) const;

private:
    const LmdbEnv& env_;
};

class ProofStore {
public:
    /// The environment must outlive the store.
    explicit ProofStore(LmdbEnv& env)
        : env_(env)
    {
    }
    /// One transaction, durable on return. Empty or too large bytes: wrong_shape.
    [[nodiscard]] Result<void, StoreError> put(std::span<const Proof> proofs);
    /// Removes proofs of kinds below kinds_end and slots below `below`, looking at no more than
    /// records_max. The number removed.
    [[nodiscard]] Result<std::size_t, StoreError> prune(Slot below, std::uint8_t kinds_end,
                                                        std::size_t records_max);

private:
    LmdbEnv& env_;
};

} // namespace belfry::ledger
