// SPDX-License-Identifier: Apache-2.0
#pragma once
// journal_counter.hpp: gives out the places in the one vote journal that all parts of an engine
// write to.

#include "consensus/engine.hpp"

#include <optional>

namespace belfry::consensus {

class JournalCounter {
public:
    [[nodiscard]] JournalSequence next()
    {
        last_ = last_ ? last_->next() : JournalSequence::first();
        return *last_;
    }
    /// A record read back. False when it does not follow the one before.
    [[nodiscard]] bool restore(JournalSequence sequence)
    {
        if (last_ && sequence != last_->next()) {
            return false;
        }
        last_ = sequence;
        return true;
    }
    [[nodiscard]] std::optional<JournalSequence> last() const { return last_; }

private:
    std::optional<JournalSequence> last_;
};

} // namespace belfry::consensus
