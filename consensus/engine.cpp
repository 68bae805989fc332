// SPDX-License-Identifier: Apache-2.0
#include "consensus/engine.hpp"

namespace belfry::consensus {

Effects::Effects()
{
    list_.reserve(count_max);
    kept_.reserve(bytes_max);
}

void Effects::clear()
{
    list_.clear();
    kept_.clear();
}

void Effects::persist(JournalSequence sequence, ByteView record)
{
    add(Persist{.sequence = sequence, .record = keep(record)});
}

void Effects::send(JournalSequence after, StatementKind kind, ByteView body)
{
    add(Send{.after = after, .kind = kind, .body = keep(body)});
}

void Effects::relay(std::optional<ValidatorIndex> to, ByteView body)
{
    add(Relay{.to = to, .body = keep(body)});
}

void Effects::certified(StatementKind kind, Slot slot, ByteView certificate)
{
    add(Certified{.kind = kind, .slot = slot, .certificate = keep(certificate)});
}

void Effects::expose(ValidatorIndex who, ByteView evidence)
{
    add(Expose{.who = who, .evidence = keep(evidence)});
}

void Effects::add(const Effect& effect)
{
    BELFRY_CHECK(list_.size() < count_max);
    list_.push_back(effect);
}

ByteView Effects::keep(ByteView bytes)
{
    // Growing would move what earlier views look at.
    BELFRY_CHECK(kept_.size() + bytes.size() <= bytes_max);
    const std::size_t start = kept_.size();
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    return ByteView{kept_}.subspan(start, bytes.size());
}

} // namespace belfry::consensus
