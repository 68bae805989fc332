// SPDX-License-Identifier: Apache-2.0
#include "node/partition_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace belfry::node {
namespace {

using dataplane::Lane;

std::size_t index_of(Lane lane)
{
    return static_cast<std::size_t>(lane);
}

} // namespace

PartitionFile::PartitionFile(std::filesystem::path file, const Roster& roster)
    : file_(std::move(file))
{
    for (const RosterEntry& entry : roster.validators) {
        Peer& peer = peers_.emplace_back();
        peer.name = entry.name;
        peer.addresses[index_of(Lane::forwards)] = entry.forwards;
        peer.addresses[index_of(Lane::shreds)] = entry.shreds;
        peer.addresses[index_of(Lane::votes)] = entry.votes;
        peer.addresses[index_of(Lane::repair)] = entry.repair;
    }
    silenced_.reserve(peers_.size());
}

std::string_view PartitionFile::read()
{
    const int descriptor = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return {};
    }
    const ssize_t count = ::read(descriptor, text_.data(), text_.size());
    (void)close(descriptor);
    return {text_.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

void PartitionFile::silence(std::string_view word)
{
    const auto named = std::ranges::find(peers_, word, &Peer::name);
    auto index = static_cast<std::size_t>(named - peers_.begin());
    if (named == peers_.end()) {
        const auto number = std::from_chars(word.data(), word.data() + word.size(), index);
        if (number.ec != std::errc{} || number.ptr != word.data() + word.size() ||
            index >= peers_.size()) {
            ++unknown_words_;
            return;
        }
    }
    const auto validator = static_cast<std::uint16_t>(index);
    if (std::ranges::find(silenced_, validator) == silenced_.end()) {
        silenced_.push_back(validator);
    }
}

void PartitionFile::look(std::uint64_t now_ns)
{
    if (looked_ns_ != 0 && now_ns - looked_ns_ < look_interval_ns) {
        return;
    }
    looked_ns_ = now_ns;
    silenced_.clear();
    unknown_words_ = 0;
    constexpr std::string_view white = " \t\r\n";
    std::string_view text = read();
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
        if (text.empty()) {
            return;
        }
        const std::string_view word = text.substr(0, text.find_first_of(white));
        silence(word);
        text.remove_prefix(word.size());
    }
}

bool PartitionFile::hears(Lane lane, const dataplane::Endpoint& source) const
{
    return lane == Lane::transactions ||
           std::ranges::none_of(silenced_, [&](std::uint16_t validator) {
               return peers_[validator].addresses[index_of(lane)] == source;
           });
}

} // namespace belfry::node
