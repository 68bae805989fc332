// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/page_check.hpp"

#include "base/bytes.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace belfry::ledger {

namespace {
// page    number u64 | pad u16 | flags u16 | lower u16, upper u16 (or pages u32 of a large value)
//         then the offsets of its nodes, u16 each, up to lower; the nodes, from upper to the end
// node    low u16 | high u16 | flags u16 | key bytes u16 | key | value
//         branch: low, high, flags are the child's page; leaf: low, high are the value's bytes
// db      pad u32 | flags u16 | depth u16 | branch, leaf, large pages u64 | entries u64 | root u64
// meta    page header | magic u32 | version u32 | address u64 | map bytes u64 | db of free pages,
//         its pad being the page's bytes | db of names | last page u64 | transaction u64
// free    transaction u64 -> count u64 | that many page numbers
constexpr std::uint64_t page_header_bytes = 16;
constexpr std::uint64_t node_header_bytes = 8;
constexpr std::uint64_t db_bytes = 48;
constexpr std::uint64_t meta_free_at = page_header_bytes + 24;
constexpr std::uint64_t meta_names_at = meta_free_at + db_bytes;
constexpr std::uint64_t meta_last_at = meta_names_at + db_bytes;
constexpr std::uint64_t meta_transaction_at = meta_last_at + 8;
constexpr std::uint32_t magic = 0xBEEFC0DE;
constexpr std::uint64_t no_page = UINT64_MAX;
constexpr std::uint16_t page_branch = 1;
constexpr std::uint16_t page_leaf = 2;
constexpr std::uint16_t page_large = 4;
constexpr std::uint16_t page_kinds = 0x2f; // with those of meta pages and of equal keys
constexpr std::uint16_t node_large = 1;
constexpr std::uint16_t node_database = 2;
constexpr std::uint64_t depth_max = 32;

/// A file that is read through memory.
class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& file)
    {
        const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        struct stat status{};
        if (descriptor >= 0 && ::fstat(descriptor, &status) == 0 && status.st_size > 0) {
            size_ = static_cast<std::size_t>(status.st_size);
            data_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
        }
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
    ~MappedFile()
    {
        if (data_ != MAP_FAILED) {
            ::munmap(data_, size_);
        }
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    [[nodiscard]] ByteView bytes() const
    {
        return data_ == MAP_FAILED ? ByteView{}
                                   : ByteView(static_cast<const std::uint8_t*>(data_), size_);
    }

private:
    void* data_ = MAP_FAILED;
    std::size_t size_ = 0;
};

std::uint64_t number(ByteView bytes, std::uint64_t at, std::size_t width)
{
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
        value = value << 8 | bytes[at + i];
    }
    return value;
}

struct Database {
    std::uint16_t depth = 0;
    std::array<std::uint64_t, 3> pages = {}; // branch, leaf, large
    std::uint64_t entries = 0;
    std::uint64_t root = no_page;
};

Database database(ByteView bytes)
{
    Database found;
    found.depth = static_cast<std::uint16_t>(number(bytes, 6, 2));
    for (std::size_t i = 0; i < found.pages.size(); ++i) {
        found.pages[i] = number(bytes, 8 + 8 * i, 8);
    }
    found.entries = number(bytes, 32, 8);
    found.root = number(bytes, 40, 8);
    return found;
}

struct Node {
    std::uint16_t flags = 0;
    std::uint64_t size = 0;  // of a leaf's value
    std::uint64_t child = 0; // of a branch
    ByteView key;
    ByteView value; // of a leaf: what of it lies here
};

class Check {
public:
    Check(ByteView file, std::uint64_t page_bytes)
        : file_(file)
        , page_bytes_(page_bytes)
    {
    }

    void run()
    {
        const ByteView first = file_.first(page_bytes_);
        const ByteView second = file_.subspan(page_bytes_, page_bytes_);
        const bool newer =
            number(second, meta_transaction_at, 8) > number(first, meta_transaction_at, 8);
        const ByteView meta = newer ? second : first;
        pages_ = number(meta, meta_last_at, 8) + 1;
        if (pages_ < 2 || pages_ > file_.size() / page_bytes_) {
            throw std::runtime_error(fmt::format("is torn: {} of {} bytes are there", file_.size(),
                                                 pages_ * page_bytes_));
        }
        used_.assign(pages_, false);
        used_[0] = used_[1] = true;
        tree(database(meta.subspan(meta_names_at)), Kind::names);
        tree(database(meta.subspan(meta_free_at)), Kind::free);
    }

private:
    enum class Kind : std::uint8_t { names, records, free };
    struct Tree {
        Kind kind = Kind::records;
        Database found;
        std::optional<ByteView> last; // the key before
        std::vector<Database> inner;  // of names: the databases
        std::vector<std::uint64_t> freed;
    };
    struct Bounds {
        std::optional<ByteView> low;
        std::optional<ByteView> high;
    };

    [[noreturn]] static void spoilt(std::uint64_t page, std::string_view what)
    {
        throw std::runtime_error(fmt::format("page {} is spoilt: {}", page, what));
    }

    /// Order of LMDB: bytes, then length; numbers for the tree of free pages.
    static bool before(Kind kind, ByteView a, ByteView b)
    {
        if (kind == Kind::free) {
            return number(a, 0, 8) < number(b, 0, 8);
        }
        return std::ranges::lexicographical_compare(a, b);
    }

    void tree(const Database& database, Kind kind)
    {
        Tree tree{.kind = kind, .found = {}, .last = {}, .inner = {}, .freed = {}};
        if (database.root != no_page) {
            if (database.depth == 0 || database.depth > depth_max) {
                spoilt(database.root, "a tree of no depth");
            }
            visit(tree, database.root, database.depth, {});
        }
        const std::uint64_t root = database.root == no_page ? 0 : database.root;
        if (tree.found.entries != database.entries || tree.found.pages != database.pages) {
            spoilt(root, fmt::format("its tree has {} records on {} pages, counted were {} on {}",
                                     tree.found.entries, tree.found.pages[1], database.entries,
                                     database.pages[1]));
        }
        for (const Database& inner : tree.inner) {
            this->tree(inner, Kind::records);
        }
        for (const std::uint64_t page : tree.freed) { // after all trees: free comes last
            take(page, page);
        }
    }

    void take(std::uint64_t page, std::uint64_t of)
    {
        if (page < 2 || page >= pages_) {
            spoilt(of, fmt::format("it names page {} of {}", page, pages_));
        }
        if (used_[page]) {
            spoilt(page, "it is used twice");
        }
        used_[page] = true;
    }

    ByteView page_at(std::uint64_t page, std::uint64_t of)
    {
        take(page, of);
        const ByteView bytes = file_.subspan(page * page_bytes_, page_bytes_);
        if (number(bytes, 0, 8) != page) {
            spoilt(page, "it calls itself another");
        }
        return bytes;
    }

    void visit(Tree& tree, std::uint64_t page, std::uint64_t depth, const Bounds& bounds)
    {
        const ByteView bytes = page_at(page, page);
        const bool leaf = depth == 1;
        const std::uint64_t lower = number(bytes, 12, 2);
        const std::uint64_t upper = number(bytes, 14, 2);
        if ((number(bytes, 10, 2) & page_kinds) != (leaf ? page_leaf : page_branch)) {
            spoilt(page, "it is of another kind");
        }
        if (lower < page_header_bytes || lower > upper || upper > page_bytes_ || lower % 2 != 0) {
            spoilt(page, "its bounds are wrong");
        }
        const std::uint64_t count = (lower - page_header_bytes) / 2;
        if (count < (leaf ? 1 : 2)) {
            spoilt(page, "it is empty");
        }
        tree.found.pages[leaf ? 1 : 0] += 1;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
        std::vector<Node> nodes;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t at = number(bytes, page_header_bytes + 2 * i, 2);
            nodes.push_back(node(page, at, upper, leaf));
            const Node& last = nodes.back();
            places.emplace_back(at, at + node_header_bytes + last.key.size() + last.value.size());
        }
        expect_apart(page, places);
        if (leaf) {
            for (const Node& node : nodes) {
                record(tree, page, node, bounds);
            }
            return;
        }
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            // The first key of a branch is not written: everything below the second goes there.
            const Bounds inner{.low = i == 0 ? bounds.low : std::optional(nodes[i].key),
                               .high = i + 1 < nodes.size() ? std::optional(nodes[i + 1].key)
                                                            : bounds.high};
            if (i > 0) {
                expect_key(tree, page, nodes[i].key);
            }
            visit(tree, nodes[i].child, depth - 1, inner);
        }
    }

    Node node(std::uint64_t page, std::uint64_t at, std::uint64_t upper, bool leaf)
    {
        const ByteView bytes = file_.subspan(page * page_bytes_, page_bytes_);
        if (at < upper || at % 2 != 0 || at + node_header_bytes > page_bytes_) {
            spoilt(page, "a node lies outside");
        }
        Node node;
        const std::uint64_t words = number(bytes, at, 4);
        const std::uint64_t flags = number(bytes, at + 4, 2);
        const std::uint64_t key_bytes = number(bytes, at + 6, 2);
        node.flags = static_cast<std::uint16_t>(flags);
        node.size = words;
        node.child = words | flags << 32;
        const bool large = leaf && (flags & node_large) != 0;
        const std::uint64_t value_bytes = !leaf ? 0 : large ? 8 : words;
        const std::uint64_t key_at = at + node_header_bytes;
        if (key_bytes > page_bytes_ || value_bytes > page_bytes_ ||
            key_at + key_bytes + value_bytes > page_bytes_) {
            spoilt(page, "a node is longer than it");
        }
        node.key = bytes.subspan(key_at, key_bytes);
        node.value = bytes.subspan(key_at + key_bytes, value_bytes);
        return node;
    }

    static void expect_apart(std::uint64_t page,
                             std::vector<std::pair<std::uint64_t, std::uint64_t>>& places)
    {
        std::ranges::sort(places);
        for (std::size_t i = 1; i < places.size(); ++i) {
            if (places[i].first < places[i - 1].second) {
                spoilt(page, "two nodes overlap");
            }
        }
    }

    static void expect_key(const Tree& tree, std::uint64_t page, ByteView key)
    {
        if (tree.kind == Kind::free && key.size() != 8) {
            spoilt(page, "a key is no number");
        }
    }

    void record(Tree& tree, std::uint64_t page, const Node& node, const Bounds& bounds)
    {
        const ByteView key = node.key;
        expect_key(tree, page, key);
        if ((tree.last && !before(tree.kind, *tree.last, key)) ||
            (bounds.low && before(tree.kind, key, *bounds.low)) ||
            (bounds.high && !before(tree.kind, key, *bounds.high))) {
            spoilt(page, "its keys are not in order");
        }
        tree.last = key;
        tree.found.entries += 1;
        const bool is_name = (node.flags & node_database) != 0;
        if ((node.flags & ~(node_large | node_database)) != 0 ||
            is_name != (tree.kind == Kind::names) || (is_name && node.value.size() != db_bytes)) {
            spoilt(page, "a record is of another kind");
        }
        const ByteView value =
            (node.flags & node_large) == 0 ? node.value : large(tree, page, node);
        if (is_name) {
            tree.inner.push_back(database(value));
        } else if (tree.kind == Kind::free) {
            free_pages(tree, page, value);
        }
    }

    /// Only its first page is read, but for the list of free pages.
    ByteView large(Tree& tree, std::uint64_t page, const Node& node)
    {
        const std::uint64_t first = number(node.value, 0, 8);
        const ByteView head = page_at(first, page);
        const std::uint64_t count = number(head, 12, 4);
        const std::uint64_t needed =
            (page_header_bytes + node.size + page_bytes_ - 1) / page_bytes_;
        if ((number(head, 10, 2) & page_kinds) != page_large || count != needed ||
            count > pages_ - first) {
            spoilt(first, "it is no large value of that length");
        }
        for (std::uint64_t i = 1; i < count; ++i) {
            take(first + i, first);
        }
        tree.found.pages[2] += count;
        return file_.subspan(first * page_bytes_ + page_header_bytes, node.size);
    }

    static void free_pages(Tree& tree, std::uint64_t page, ByteView list)
    {
        if (list.size() < 8 || number(list, 0, 8) > list.size() / 8 - 1) {
            spoilt(page, "a list of free pages is cut short");
        }
        for (std::uint64_t i = 1; i <= number(list, 0, 8); ++i) {
            tree.freed.push_back(number(list, 8 * i, 8));
        }
    }

    ByteView file_;
    std::uint64_t page_bytes_;
    std::uint64_t pages_ = 0;
    std::vector<bool> used_;
};
} // namespace

void check_pages(const std::filesystem::path& file)
{
    const MappedFile mapped(file);
    const ByteView bytes = mapped.bytes();
    if (bytes.size() < meta_transaction_at + 8 || number(bytes, page_header_bytes, 4) != magic) {
        return;
    }
    const std::uint64_t page_bytes = number(bytes, meta_free_at, 4);
    if (page_bytes < 512 || page_bytes > 65536 || bytes.size() < 2 * page_bytes) {
        return;
    }
    Check(bytes, page_bytes).run();
}

} // namespace belfry::ledger
