// SPDX-License-Identifier: Apache-2.0
#include "node/last_words.hpp"

#include "consensus/certificate/statement.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <utility>

namespace belfry::node {
namespace {

using consensus::StatementKind;

std::size_t place_of(StatementKind kind)
{
    return static_cast<std::size_t>(kind) - 1;
}

/// First and last slot that a statement is about.
std::optional<std::pair<Slot, Slot>> slots_of(const consensus::VoteMessage& message)
{
    if (message.kind == StatementKind::tower_vote) {
        const auto vote = consensus::decode_tower_vote(message.body);
        if (!vote || vote->voter != message.from) {
            return std::nullopt;
        }
        return std::pair{vote->block().slot, vote->block().slot};
    }
    const auto statement = consensus::decode_statement(message.kind, message.body);
    if (!statement || statement->voter != message.from) {
        return std::nullopt;
    }
    return std::pair{statement->first, statement->last};
}

} // namespace

LastWords::LastWords(std::size_t validator_count)
    : words_(validator_count)
{
}

LastWords::Age LastWords::note(const consensus::VoteMessage& statement)
{
    const auto slots = slots_of(statement);
    if (!slots || statement.from.value >= words_.size()) {
        return Age::unreadable;
    }
    const auto [first, last] = *slots;
    std::optional<Word>& word = words_[statement.from.value][place_of(statement.kind)];
    if (word && word->slot == last && word->first <= first) {
        return Age::known;
    }
    if (word && last < word->slot) {
        return Age::older;
    }
    word = Word{.slot = last,
                .first = first,
                .testimony = {.kind = statement.kind,
                              .body = {statement.body.begin(), statement.body.end()},
                              .signature = statement.signature}};
    return Age::newest;
}

const consensus::Testimony* LastWords::newest(consensus::ValidatorIndex voter,
                                              StatementKind kind) const
{
    if (voter.value >= words_.size()) {
        return nullptr;
    }
    const std::optional<Word>& word = words_[voter.value][place_of(kind)];
    return word ? &word->testimony : nullptr;
}

std::vector<consensus::Testimony> LastWords::of(consensus::ValidatorIndex voter) const
{
    std::vector<consensus::Testimony> all;
    if (voter.value < words_.size()) {
        for (const std::optional<Word>& word : words_[voter.value]) {
            if (word) {
                all.push_back(word->testimony);
            }
        }
    }
    return all;
}

} // namespace belfry::node
