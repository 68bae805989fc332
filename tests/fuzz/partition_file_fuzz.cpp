// SPDX-License-Identifier: Apache-2.0
// partition_file_fuzz: any text as the file that says whom a node does not hear: those of its words
// that name a validator silence exactly that one, the others are counted.
#include "base/check.hpp"
#include "node/partition_file.hpp"
#include "tests/fuzz/memory_directory.hpp"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace {

using namespace belfry;       // NOLINT(google-build-using-namespace)
using namespace belfry::node; // NOLINT(google-build-using-namespace)
using dataplane::Lane;

constexpr std::uint16_t count = 12;

const Roster& roster()
{
    static const Roster only = [] {
        Roster made;
        for (std::uint16_t i = 0; i < count; ++i) {
            RosterEntry& entry = made.validators.emplace_back();
            entry.name = i == 3 ? "7" : "v-" + std::to_string(i); // a name that is also an index
            entry.votes = *dataplane::Endpoint::parse("127.0.0.1:1");
            entry.votes.port = static_cast<std::uint16_t>(100 + i);
        }
        return made;
    }();
    return only;
}

/// The validator that a word names: by name first, then by number.
std::optional<std::size_t> named(const std::string& word)
{
    for (std::size_t i = 0; i < count; ++i) {
        if (roster().validators[i].name == word) {
            return i;
        }
    }
    std::string digits = word;
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    digits.erase(0, zeros);
    for (std::size_t i = 0; i < count; ++i) {
        if (std::to_string(i) == digits) {
            return i;
        }
    }
    return std::nullopt;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const MemoryDirectory directory;
    const std::string text(reinterpret_cast<const char*>(data),
                           std::min(size, PartitionFile::file_bytes_max));
    if (text.find_first_of("\v\f") != std::string::npos) {
        return 0; // white space for the model below, and not for the file
    }
    const std::filesystem::path file = directory.path() / "partition";
    std::ofstream(file, std::ios::binary) << text;
    PartitionFile partition(file, roster());
    partition.look(1);
    std::set<std::size_t> silenced;
    std::uint64_t unknown = 0;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const std::optional<std::size_t> who = named(word);
        unknown += who ? 0 : 1;
        if (who) {
            silenced.insert(*who);
        }
    }
    std::filesystem::remove(file);
    partition.look(2); // too soon to read again
    BELFRY_CHECK(partition.unknown_words() == unknown);
    for (std::size_t i = 0; i < count; ++i) {
        const dataplane::Endpoint& from = roster().validators[i].votes;
        BELFRY_CHECK(partition.hears(Lane::votes, from) != silenced.contains(i));
        BELFRY_CHECK(partition.hears(Lane::transactions, from));
    }
    PartitionFile none(file, roster());
    none.look(1);
    BELFRY_CHECK(none.hears(Lane::votes, roster().validators[0].votes));
    return 0;
}
