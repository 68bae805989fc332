// SPDX-License-Identifier: Apache-2.0
#pragma once
// crash_disk.hpp: what a record of tests/cluster/disk_faults.hpp leaves on a disk whose power is
// cut after any of its events.
// Model    of a file, what was written before a sync of it ended, and the pages of a write through
//          O_DSYNC that ended, are there. Of what came after, whatever Loss says: it may be lost,
//          reordered and torn, also the size; what lies between reads as zeros. A name is as at
//          the last sync of the directory, then any number of the changes since, or any of them.
// Limits   what LMDB writes of a meta page (120 bytes in one sector, without a checksum) is torn
//          from its end only, as a disk writes a sector in order; mixed_meta is for the contrary.
// Source   ALICE (OSDI 2014); SQLite's and TigerBeetle's tests tear at 512 and at 8 bytes.

#include "base/bytes.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace belfry::ledger {

/// One event; what as in disk_faults.hpp.
struct DiskEvent {
    char what = 0;
    std::string path;
    std::uint64_t offset = 0;
    Bytes bytes;
};

/// Throws std::runtime_error when the file is no record or ends in the middle of an event.
[[nodiscard]] std::vector<DiskEvent> read_disk_record(const std::filesystem::path& file);

/// What becomes of the writes that were not yet durable.
enum class Loss : std::uint8_t {
    all,
    none,
    prefix_sectors, // the first so many in order, the last of them cut at 512 bytes
    prefix_words,   // ... cut at 8 bytes
    suffix_words,   // ... and its end is there instead of its beginning
    any_writes,     // any of them, each whole
    any_sectors,    // any 512 bytes of them
    any_words,      // any 8 bytes of them
    mixed_meta,     // all is there but any 8 bytes of a meta page of LMDB
};
inline constexpr std::size_t loss_count = 9;
[[nodiscard]] const char* to_string(Loss loss);

class CrashDisk {
public:
    using Files = std::map<std::string, Bytes>;
    using Random = std::mt19937_64;

    /// directory: the data directory as the record names it.
    explicit CrashDisk(std::string directory);
    void step(const DiskEvent& event);
    /// One thing that may be left when the power is cut now; a name has no slash.
    [[nodiscard]] Files after_cut(Loss loss, Random& random) const;

private:
    struct Write {
        std::uint64_t number = 0; // of all, in order
        std::uint64_t offset = 0;
        Bytes bytes = {};
        std::uint64_t grows_to = 0; // an allocation
        bool is_meta = false;
    };
    struct Inode {
        Bytes durable;
        std::vector<Write> pending;
    };
    struct NameChange {
        std::string from; // empty: the inode is new
        std::string to;   // empty: the name is removed
        std::size_t inode = 0;
    };
    using Names = std::map<std::string, std::size_t>;

    [[nodiscard]] std::string name_of(const std::string& path) const;
    Inode& inode_of(const std::string& name);
    void end_meta_write(Inode& inode, std::uint64_t offset);
    void sync(const std::string& path);
    static void apply(Names& names, const NameChange& change);
    static void apply(Bytes& file, const Write& write);
    static void apply_some(Bytes& file, const Write& write, Loss loss, Random& random);
    [[nodiscard]] Names names_after_cut(Random& random) const;

    std::string directory_;
    bool directory_is_durable_ = true;
    std::uint64_t written_ = 0;
    std::vector<Inode> inodes_;
    Names names_;
    Names durable_names_;
    std::vector<NameChange> pending_names_;
};

} // namespace belfry::ledger
