// SPDX-License-Identifier: Apache-2.0
#include "tests/ledger/crash_disk.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace belfry::ledger {

namespace {
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t sector_bytes = 512;
constexpr std::uint64_t word_bytes = 8;

std::uint64_t below(CrashDisk::Random& random, std::uint64_t bound)
{
    return random() % bound;
}
} // namespace

std::vector<DiskEvent> read_disk_record(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    const Bytes all{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    ByteReader reader(all);
    std::vector<DiskEvent> events;
    while (reader.ok() && reader.left() > 0) {
        DiskEvent event;
        event.what = static_cast<char>(reader.u8());
        const std::size_t path_bytes = reader.u16();
        event.offset = reader.u64();
        const std::size_t bytes = reader.u32();
        const ByteView path = reader.bytes(path_bytes);
        const ByteView content = reader.bytes(bytes);
        event.path.assign(path.begin(), path.end());
        event.bytes.assign(content.begin(), content.end());
        events.push_back(std::move(event));
    }
    if (!reader.ok() || events.empty()) {
        throw std::runtime_error(file.string() + ": no whole record of a disk");
    }
    return events;
}

const char* to_string(Loss loss)
{
    switch (loss) {
    case Loss::all:
        return "all";
    case Loss::none:
        return "none";
    case Loss::prefix_sectors:
        return "prefix_sectors";
    case Loss::prefix_words:
        return "prefix_words";
    case Loss::suffix_words:
        return "suffix_words";
    case Loss::any_writes:
        return "any_writes";
    case Loss::any_sectors:
        return "any_sectors";
    case Loss::any_words:
        return "any_words";
    case Loss::mixed_meta:
        return "mixed_meta";
    }
    return "unknown";
}

CrashDisk::CrashDisk(std::string directory)
    : directory_(std::move(directory))
{
}

/// Empty for what lies in another directory.
std::string CrashDisk::name_of(const std::string& path) const
{
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return path; // a rename names its files within the directory
    }
    return path.substr(0, slash) == directory_ ? path.substr(slash + 1) : "";
}

CrashDisk::Inode& CrashDisk::inode_of(const std::string& name)
{
    const auto found = names_.find(name);
    if (found == names_.end()) {
        throw std::runtime_error("a record writes " + name + ", which it never made");
    }
    return inodes_[found->second];
}

void CrashDisk::step(const DiskEvent& event)
{
    if (event.what == 'k') {
        directory_is_durable_ = directory_is_durable_ && event.path != directory_;
        return;
    }
    if (event.what == 's') {
        sync(event.path);
        return;
    }
    const std::string name = name_of(event.path);
    if (name.empty()) {
        return;
    }
    NameChange change;
    switch (event.what) {
    case 'c':
        change = {.from = {}, .to = name, .inode = inodes_.size()};
        inodes_.emplace_back();
        break;
    case 'r':
        change = {.from = name,
                  .to = name_of(std::string(event.bytes.begin(), event.bytes.end())),
                  .inode = names_.at(name)};
        break;
    case 'u':
        change = {.from = name, .to = {}, .inode = names_.at(name)};
        break;
    case 'a':
        inode_of(name).pending.push_back({.number = written_++, .grows_to = event.offset});
        return;
    case 'w':
    case 'd':
        inode_of(name).pending.push_back({.number = written_++,
                                          .offset = event.offset,
                                          .bytes = event.bytes,
                                          .is_meta = event.what == 'd'});
        return;
    case 'e':
        end_meta_write(inode_of(name), event.offset);
        return;
    default:
        return; // what is not of the disk
    }
    apply(names_, change);
    pending_names_.push_back(std::move(change));
}

/// Its pages are durable, with whatever stood in them before; the rest of the file is not.
void CrashDisk::end_meta_write(Inode& inode, std::uint64_t offset)
{
    const std::uint64_t low = offset / page_bytes * page_bytes;
    const std::uint64_t high = low + page_bytes;
    std::vector<Write> left;
    for (Write& write : inode.pending) {
        const std::uint64_t end = write.offset + write.bytes.size();
        if (write.grows_to != 0 || end <= low || write.offset >= high) {
            left.push_back(std::move(write));
            continue;
        }
        const auto part = [&write](std::uint64_t from, std::uint64_t to) {
            Write piece{.number = write.number, .offset = from, .is_meta = write.is_meta};
            const auto begin = write.bytes.begin() - static_cast<std::ptrdiff_t>(write.offset);
            piece.bytes.assign(begin + static_cast<std::ptrdiff_t>(from),
                               begin + static_cast<std::ptrdiff_t>(to));
            return piece;
        };
        apply(inode.durable, part(std::max(low, write.offset), std::min(high, end)));
        if (write.offset < low) {
            left.push_back(part(write.offset, low));
        }
        if (end > high) {
            left.push_back(part(high, end));
        }
    }
    inode.pending = std::move(left);
}

void CrashDisk::sync(const std::string& path)
{
    if (path == directory_) {
        durable_names_ = names_;
        pending_names_.clear();
    } else if (path == std::filesystem::path(directory_).parent_path()) {
        directory_is_durable_ = true;
    } else if (const auto found = names_.find(name_of(path)); found != names_.end()) {
        Inode& inode = inodes_[found->second];
        for (const Write& write : inode.pending) {
            apply(inode.durable, write);
        }
        inode.pending.clear();
    }
}

void CrashDisk::apply(Names& names, const NameChange& change)
{
    if (!change.from.empty()) {
        names.erase(change.from);
    }
    if (!change.to.empty()) {
        names[change.to] = change.inode;
    }
}

void CrashDisk::apply(Bytes& file, const Write& write)
{
    const std::uint64_t end = std::max(write.grows_to, write.offset + write.bytes.size());
    if (file.size() < end) {
        file.resize(end);
    }
    std::ranges::copy(write.bytes, file.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

/// Pieces of it, cut where the disk cuts; now and then only the size is as if all were there.
void CrashDisk::apply_some(Bytes& file, const Write& write, Loss loss, Random& random)
{
    const std::uint64_t unit =
        loss == Loss::any_sectors || loss == Loss::prefix_sectors ? sector_bytes : word_bytes;
    const std::uint64_t first = write.offset / unit;
    const std::uint64_t last = (write.offset + write.bytes.size() + unit - 1) / unit;
    const std::uint64_t cut = first + below(random, last - first + 1);
    const bool mixed = loss == Loss::mixed_meta ||
                       ((loss == Loss::any_sectors || loss == Loss::any_words) && !write.is_meta);
    const bool end_stays = loss == Loss::suffix_words && !write.is_meta;
    const std::uint64_t of_16 = std::array<std::uint64_t, 3>{1, 8, 15}[below(random, 3)];
    for (std::uint64_t piece = first; piece < last; ++piece) {
        const bool there = mixed       ? below(random, 16) < of_16
                           : end_stays ? piece >= cut
                                       : piece < cut;
        if (!there) {
            continue;
        }
        const std::uint64_t from = std::max(piece * unit, write.offset);
        const std::uint64_t to = std::min((piece + 1) * unit, write.offset + write.bytes.size());
        if (file.size() < to) {
            file.resize(to);
        }
        const auto begin = write.bytes.begin() - static_cast<std::ptrdiff_t>(write.offset);
        std::copy(begin + static_cast<std::ptrdiff_t>(from),
                  begin + static_cast<std::ptrdiff_t>(to),
                  file.begin() + static_cast<std::ptrdiff_t>(from));
    }
    if (below(random, 8) == 0) {
        file.resize(std::max<std::uint64_t>(file.size(), write.offset + write.bytes.size()));
    }
}

CrashDisk::Names CrashDisk::names_after_cut(Random& random) const
{
    Names names = durable_names_;
    const bool in_order = below(random, 2) == 0;
    const std::uint64_t kept = below(random, pending_names_.size() + 1);
    for (std::size_t i = 0; i < pending_names_.size(); ++i) {
        if (in_order ? i < kept : below(random, 2) == 0) {
            apply(names, pending_names_[i]);
        }
    }
    return names;
}

CrashDisk::Files CrashDisk::after_cut(Loss loss, Random& random) const
{
    if (!directory_is_durable_ && below(random, 2) == 0) {
        return {};
    }
    std::uint64_t first = written_;
    for (const Inode& inode : inodes_) {
        first = inode.pending.empty() ? first : std::min(first, inode.pending.front().number);
    }
    // Of the prefixes: everything before this one is there, this one is torn.
    const std::uint64_t torn = first + below(random, written_ - first + 1);
    const bool is_prefix =
        loss == Loss::prefix_sectors || loss == Loss::prefix_words || loss == Loss::suffix_words;
    Files files;
    for (const auto& [name, number] : names_after_cut(random)) {
        const Inode& inode = inodes_[number];
        Bytes content = inode.durable;
        for (const Write& write : inode.pending) {
            const bool whole = loss == Loss::none || (is_prefix && write.number < torn) ||
                               (loss == Loss::mixed_meta && !write.is_meta);
            const bool lost = loss == Loss::all || (is_prefix && write.number > torn);
            const bool any = loss == Loss::any_writes || write.grows_to != 0;
            if (whole || (!lost && any && below(random, 2) == 0)) {
                apply(content, write);
            } else if (!lost && !any) {
                apply_some(content, write, loss, random);
            }
        }
        files[name] = std::move(content);
    }
    return files;
}

} // namespace belfry::ledger
