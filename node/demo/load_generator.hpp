// SPDX-License-Identifier: Apache-2.0
#pragma once
// load_generator.hpp: sends signed transfers over UDP at a steady rate, spread over all validators,
// and watches what becomes of them.
// Rule     latency runs from the first send to the first moment that a node other than the receiver
//          reports the level, on a random sample, polled every poll_ms; a transaction that no node
//          has processed after resend_ms is sent again, the same bytes, to the next validator.
// Bounds   the rate times the seconds; each transaction's bytes are kept until it is processed.
// Threads  one sender and one poller per validator; the sender's state is behind one mutex.
// Errors   std::runtime_error when the cluster cannot be reached at all.

#include "base/histogram.hpp"
#include "node/config.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace belfry::node {

struct LoadOptions {
    std::vector<ValidatorEntry> validators;
    std::uint32_t account_count = 1000; // as written by write_local_cluster
    std::uint32_t rate = 2000;          // transactions per second
    std::uint32_t seconds = 60;
    std::uint32_t drain_seconds = 45; // at most, after the load
    std::uint32_t sample_per_mille = 20;
    std::uint32_t resend_ms = 2000;
    std::uint32_t poll_ms = 20;
    std::optional<Hash> blockhash;  // named by every transaction; else the newest confirmed one
    std::filesystem::path report;   // JSON, at the end
    std::filesystem::path sent;     // binary, one SentRecord each, at the end
    std::filesystem::path progress; // JSON, one object, replaced every second
};

/// What the auditor needs to know of one transaction: 32 + 8 bytes in the `sent` file.
struct SentRecord {
    Hash message_hash;
    Height last_valid; // the block height after which its blockhash is too old
};
inline constexpr std::size_t sent_record_bytes = 40;

/// Runs to the end; the exit code of `belfry load`.
[[nodiscard]] int run_load(const LoadOptions& options);

} // namespace belfry::node
