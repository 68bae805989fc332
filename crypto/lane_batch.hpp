// SPDX-License-Identifier: Apache-2.0
#pragma once
// lane_batch.hpp: private to this room. Feeds many messages of any lengths through a hash whose
// kernel works on one message per vector lane.
// How      a lane takes a message, runs over its whole blocks in place and over its padded last
//          blocks in a buffer, gives the digest and takes the next message. The kernel is called
//          for as many blocks as every busy lane still has; idle lanes stay on a block of zeros.

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <limits>

namespace belfry::crypto {

/// What a hash gives to be run in lanes.
template <class Format>
concept LaneFormat = requires(typename Format::Word* state, const typename Format::Word* words,
                              typename Format::Digest& digest, ByteView rest, std::uint8_t* out) {
    Format::block_bytes;
    Format::state_words;
    Format::last_blocks_max;
    Format::initial(std::size_t{});                        // state word of an empty message
    Format::write_last_blocks(rest, std::uint64_t{}, out); // gives how many
    Format::extract(words, std::size_t{}, digest);         // words lie a stride apart
};

template <LaneFormat Format, std::size_t lanes>
class LaneBatch {
    using Word = typename Format::Word;
    using Digest = typename Format::Digest;
    static constexpr std::size_t block_bytes = Format::block_bytes;

public:
    /// State word w of lane l is state[w * lanes + l]. Lane l reads a block at blocks[l], which
    /// then moves on by advance[l] bytes; block_count times.
    using Compress = void (*)(Word* state, const std::uint8_t** blocks,
                              const std::uint64_t* advance, std::size_t block_count);

    explicit LaneBatch(Compress compress)
        : compress_(compress)
    {
    }

    /// digests[i] = hash(prefix | messages[i]). Precondition: prefix is under one block.
    void run(ByteView prefix, std::span<const ByteView> messages, std::span<Digest> digests)
    {
        std::size_t next = 0;
        const std::size_t busy_max = std::min(lanes, messages.size());
        for (std::size_t l = 0; l < lanes; ++l) {
            park(l);
        }
        for (; next < busy_max; ++next) {
            load(next, next, prefix, messages[next]);
        }
        start_all();
        for (std::size_t busy_count = busy_max; busy_count != 0;) {
            const std::size_t step = *std::ranges::min_element(blocks_left_);
            compress_(state_.data(), blocks_.data(), advance_.data(), step);
            std::size_t done_count = 0;
            for (std::size_t l = 0; l < lanes; ++l) {
                if (advance_[l] == 0) {
                    continue;
                }
                blocks_left_[l] -= step;
                if (blocks_left_[l] == 0 && !next_run(l)) {
                    Format::extract(state_.data() + l, lanes, digests[lane_[l].message]);
                    done_[done_count++] = l;
                }
            }
            for (std::size_t i = 0; i < done_count; ++i) {
                if (next < messages.size()) {
                    load(done_[i], next, prefix, messages[next]);
                    ++next;
                } else {
                    park(done_[i]);
                    --busy_count;
                }
            }
            if (done_count == lanes) {
                start_all();
            } else {
                std::ranges::for_each_n(done_.begin(), static_cast<std::ptrdiff_t>(done_count),
                                        [this](std::size_t l) { start(l); });
            }
        }
    }

private:
    struct Run {
        const std::uint8_t* at = nullptr;
        std::size_t block_count = 0;
    };
    struct Lane {
        std::array<Run, 3> runs; // prefix and the first bytes; whole blocks in place; last blocks
        std::size_t run = 0;
        std::size_t message = 0;
        alignas(64) std::uint8_t first[block_bytes];
        alignas(64) std::uint8_t last[Format::last_blocks_max * block_bytes];
    };

    void load(std::size_t l, std::size_t index, ByteView prefix, ByteView message)
    {
        Lane& lane = lane_[l];
        const std::uint64_t total = prefix.size() + message.size();
        lane.message = index;
        lane.runs[0] = {};
        ByteView left = message;
        if (!prefix.empty()) {
            const std::size_t taken = std::min(message.size(), block_bytes - prefix.size());
            std::ranges::copy(prefix, lane.first);
            std::ranges::copy(message.first(taken), lane.first + prefix.size());
            const std::size_t filled = prefix.size() + taken;
            left = filled < block_bytes ? ByteView(lane.first, filled) : message.subspan(taken);
            lane.runs[0] = {lane.first, filled / block_bytes};
        }
        const std::size_t whole = left.size() / block_bytes;
        lane.runs[1] = {left.data(), whole};
        const ByteView rest = left.subspan(whole * block_bytes);
        lane.runs[2] = {lane.last, Format::write_last_blocks(rest, total, lane.last)};
        lane.run = 0;
        advance_[l] = block_bytes;
        start_run(l);
    }

    void start(std::size_t l)
    {
        for (std::size_t w = 0; w < Format::state_words; ++w) {
            state_[w * lanes + l] = Format::initial(w);
        }
    }

    /// Messages of one length end together; whole words are written then, because a vector loaded
    /// from many small stores waits for all of them.
    void start_all()
    {
        for (std::size_t w = 0; w < Format::state_words; ++w) {
            std::fill_n(state_.begin() + static_cast<std::ptrdiff_t>(w * lanes), lanes,
                        Format::initial(w));
        }
    }

    /// Enters the current run or the first one after it that is not empty; the last never is.
    void start_run(std::size_t l)
    {
        Lane& lane = lane_[l];
        while (lane.runs[lane.run].block_count == 0) {
            ++lane.run;
        }
        blocks_[l] = lane.runs[lane.run].at;
        blocks_left_[l] = lane.runs[lane.run].block_count;
    }

    /// False after the last run.
    bool next_run(std::size_t l)
    {
        if (++lane_[l].run == lane_[l].runs.size()) {
            return false;
        }
        start_run(l);
        return true;
    }

    void park(std::size_t l)
    {
        static constexpr std::array<std::uint8_t, block_bytes> zeros{};
        blocks_[l] = zeros.data();
        blocks_left_[l] = std::numeric_limits<std::size_t>::max();
        advance_[l] = 0;
    }

    Compress compress_;
    alignas(64) std::array<Word, Format::state_words * lanes> state_;
    alignas(64) std::array<const std::uint8_t*, lanes> blocks_;
    alignas(64) std::array<std::uint64_t, lanes> advance_;
    std::array<std::size_t, lanes> blocks_left_;
    std::array<std::size_t, lanes> done_;
    std::array<Lane, lanes> lane_;
};

} // namespace belfry::crypto
