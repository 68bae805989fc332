// SPDX-License-Identifier: Apache-2.0
#pragma once
// last_words.hpp: the newest signed statement of each kind that was heard of each validator, to be
// told to whoever asks on its behalf.
// Shapes   newest by slot; of two skips that end together the one that begins earlier.
// Bounds   one statement for each validator and kind: about 700 bytes a validator.
// Threads  one owner, the consensus tile.

#include "consensus/engine.hpp"
#include "consensus/evidence.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace belfry::node {

class LastWords {
public:
    static constexpr std::size_t kind_count = 4; // of StatementKind

    explicit LastWords(std::size_t validator_count);

    enum class Age : std::uint8_t { unreadable, older, known, newest };
    /// A statement whose signature is known to be good.
    Age note(const consensus::VoteMessage& statement);
    /// nullptr: none of that kind.
    [[nodiscard]] const consensus::Testimony* newest(consensus::ValidatorIndex voter,
                                                     consensus::StatementKind kind) const;
    [[nodiscard]] std::vector<consensus::Testimony> of(consensus::ValidatorIndex voter) const;

private:
    struct Word {
        Slot slot; // the last one it is about
        Slot first;
        consensus::Testimony testimony;
    };
    std::vector<std::array<std::optional<Word>, kind_count>> words_; // by validator
};

} // namespace belfry::node
