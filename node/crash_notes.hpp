// SPDX-License-Identifier: Apache-2.0
#pragma once
// crash_notes.hpp: what this node was working on when it died, from life to life, so that a block
// or a transaction that kills it does not do so for ever.
// Shapes   a text file, one line for each death: signal, slot and id of the block, hash of the
//          message and first signature of the transaction, "-" for none.
// Rule     a thread that dies by its own fault (a failed check, any abort, a bad access) writes
//          what it had in hand (exec/in_flight.hpp) before it dies. What stands in deaths_max lines
//          is in quarantine in the lives that follow. Not counted: a signal that another process
//          sends (an operator, the killer for lack of memory), SIGBUS (a disk, read_fault.hpp), and
//          the death of a thread that has no block and no transaction in hand.
// Bounds   the newest deaths_kept lines; what is no such line is left out.
// Errors   the constructor throws std::runtime_error.
// Threads  made once in a process, before the others start. Its handler runs on whichever dies and
//          needs the stack of that thread: who dies of an overflowing one leaves no line.

#include "base/strong.hpp"
#include "exec/quarantine.hpp"
#include "ledger/model/block_ref.hpp"

#include <csignal>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace belfry::node {

struct Death {
    struct OfTransaction {
        Hash message_hash;
        Signature signature; // the first, by which people know it
        friend bool operator==(const OfTransaction&, const OfTransaction&) = default;
    };
    std::uint32_t signal = 0;
    std::optional<ledger::BlockRef> block; // an own block's id is zero: it had none yet
    std::optional<OfTransaction> transaction;
    friend bool operator==(const Death&, const Death&) = default;
};

/// Lines that are none, such as one that was cut off, are left out.
[[nodiscard]] std::vector<Death> parse_deaths(std::string_view text);
[[nodiscard]] std::string to_line(const Death& death);
/// For people.
[[nodiscard]] std::string in_words(const Death& death);

/// Once may be chance, such as a bit that fell over; the same twice is not.
inline constexpr std::size_t deaths_max = 2;
[[nodiscard]] exec::Quarantine quarantine_of(std::span<const Death> deaths);

class CrashNotes {
public:
    static constexpr std::string_view file_name = "crashes"; // in the data directory
    static constexpr std::size_t deaths_kept = 64;

    explicit CrashNotes(const std::filesystem::path& data_directory);
    ~CrashNotes();
    CrashNotes(const CrashNotes&) = delete;
    CrashNotes& operator=(const CrashNotes&) = delete;

    /// Of the lives before this one, oldest first.
    [[nodiscard]] const std::vector<Death>& deaths() const { return deaths_; }
    [[nodiscard]] exec::Quarantine quarantine() const { return quarantine_of(deaths_); }

private:
    std::vector<Death> deaths_;
    int fd_ = -1;
};

} // namespace belfry::node
