// SPDX-License-Identifier: Apache-2.0
#pragma once
// partition_file.hpp: whom this node does not hear, as a file says while the node runs. For tests.
// Shapes   the file names validators by index in genesis or by name, with white space between them.
//          A file that is not there, or is empty, silences nobody. Replace it by renaming another
//          over it: a half-written one would be half obeyed.
// Rule     a peer is known by the address its datagrams come from, lane by lane; the clients' lane
//          is always heard. Two sides that do not hear each other need a file each.
// Bounds   the first file_bytes_max bytes count; looked at once per look_interval_ns at most.
// Errors   none; a word that names nobody is counted.
// Threads  one owner, the net tile.

#include "dataplane/wire.hpp"
#include "node/roster.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace belfry::node {

class PartitionFile {
public:
    static constexpr std::uint64_t look_interval_ns = 50'000'000;
    static constexpr std::size_t file_bytes_max = 8192;

    PartitionFile(std::filesystem::path file, const Roster& roster);

    /// Reads the file when the last look is old enough.
    void look(std::uint64_t now_ns);
    [[nodiscard]] bool hears(dataplane::Lane lane, const dataplane::Endpoint& source) const;
    /// Words of the file, as last read, that name no validator.
    [[nodiscard]] std::uint64_t unknown_words() const { return unknown_words_; }

private:
    struct Peer {
        std::string name;
        std::array<dataplane::Endpoint, dataplane::lane_count> addresses;
    };
    [[nodiscard]] std::string_view read();
    void silence(std::string_view word);

    std::filesystem::path file_;
    std::vector<Peer> peers_;             // by validator index
    std::vector<std::uint16_t> silenced_; // room for all from the start
    std::array<char, file_bytes_max> text_;
    std::uint64_t unknown_words_ = 0;
    std::uint64_t looked_ns_ = 0;
};

} // namespace belfry::node
