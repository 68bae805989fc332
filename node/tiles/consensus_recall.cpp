// SPDX-License-Identifier: Apache-2.0
// What others remember of this node, what it remembers of them, and why it is silent.
#include "consensus/certificate/certificate.hpp"
#include "node/tiles/consensus_tile.hpp"

#include <fmt/core.h>

namespace belfry::node {
namespace {

constexpr std::uint64_t remind_interval_ns = 500'000'000;

} // namespace

bool ConsensusTile::recall(std::uint64_t now_ns)
{
    if (journal_ == nullptr) {
        return false; // it signs nothing, so nobody has to tell it anything
    }
    const std::optional<Recall::Question> question = recall_.ask(now_ns);
    if (question) {
        ++counts_.recall_questions;
        const std::size_t me = options_.roster.me;
        (void)say(
            {.kind = question_kind, .voter_index = options_.roster.me, .body = question->body},
            question->to_all ? std::nullopt : std::optional{me});
    }
    if (signing_begun_ || failed_ || !recall_.enough() || !slot_begun_) {
        return question.has_value();
    }
    signing_begun_ = true;
    counts_.listened_ms = (now_ns - started_ns_) / 1'000'000;
    log_.info("signs", "{} others told what they heard of this node, {} ms after its start",
              recall_.answer_count(), counts_.listened_ms);
    engine_->begin_signing();
    step(consensus::Timer{.kind = consensus::TimerKind::slot_tick, .slot = *slot_begun_}, now_ns);
    return true;
}

void ConsensusTile::take_talk(const StatementIntake::Talk& talk, std::uint64_t now_ns)
{
    if (journal_ == nullptr) {
        return;
    }
    if (talk.kind == question_kind) {
        if (const auto answer = recall_.answer(talk.from, talk.body, words_, now_ns)) {
            ++counts_.recall_answers;
            (void)say({.kind = answer_kind, .voter_index = options_.roster.me, .body = *answer},
                      talk.from.value);
        }
        return;
    }
    const std::optional<Recall::Told> told = recall_.take_answer(talk.from, talk.body);
    if (!told) {
        return;
    }
    if (told->by_own_key) {
        fall_silent(Silence::identity_elsewhere);
        return;
    }
    ++counts_.recall_told;
    for (const consensus::Testimony& own : told->statements) {
        take_own(own, now_ns);
    }
}

/// Said to be this node's. The engine knows what is in its journal, and stops at what is not.
void ConsensusTile::take_own(const consensus::Testimony& own, std::uint64_t now_ns)
{
    const dataplane::SignedVote statement{.kind = static_cast<std::uint8_t>(own.kind),
                                          .voter_index = options_.roster.me,
                                          .body = own.body};
    const Bytes bytes = intake_.signing_bytes(statement);
    const consensus::ValidatorIndex me{options_.roster.me};
    if (intake_.knows(bytes) || !intake_.is_signed(me, own.kind, own.body, own.signature)) {
        return;
    }
    intake_.note_own(bytes);
    take_statement({.from = me, .body = own.body, .kind = own.kind, .signature = own.signature},
                   now_ns);
}

/// What stands in the journal of what others said: of a cluster that was down as a whole nobody
/// remembers more.
void ConsensusTile::remember(ByteView record)
{
    constexpr std::uint8_t finalize_record = 5;
    constexpr std::size_t statement_bytes = 1 + 2 + 8; // kind, voter, slot (gadget.hpp)
    if (record.front() != finalize_record || record.size() <= statement_bytes) {
        return;
    }
    const auto certificate = consensus::decode_certificate(record.subspan(statement_bytes));
    if (!certificate) {
        return; // the engine refuses such a journal
    }
    for (const consensus::SignedStatement& vote : certificate->votes) {
        const consensus::StatementBody body = consensus::encode_statement(vote.statement);
        if (vote.statement.voter.value != options_.roster.me) {
            (void)words_.note({.from = vote.statement.voter,
                               .body = body.view(),
                               .kind = vote.statement.kind,
                               .signature = vote.signature});
        }
    }
}

/// The voter's newest vote, as it signed it, back to it: what it said now is older.
void ConsensusTile::remind(consensus::ValidatorIndex voter, std::uint64_t now_ns)
{
    const consensus::Testimony* newest = words_.newest(voter, consensus::StatementKind::tower_vote);
    std::uint64_t& last = reminded_ns_[voter.value];
    const bool soon = last != 0 && now_ns - last < remind_interval_ns;
    if (newest == nullptr || soon || voter.value == options_.roster.me) {
        return;
    }
    last = now_ns;
    ++counts_.reminders;
    dataplane::write_vote(prefix_,
                          {.kind = static_cast<std::uint8_t>(newest->kind),
                           .voter_index = voter.value,
                           .body = newest->body,
                           .signature = newest->signature},
                          vote_bytes_);
    send_to(voter.value, vote_bytes_);
}

Silence ConsensusTile::silence() const
{
    if (silence_ != Silence::none) {
        return silence_;
    }
    if (journal_ == nullptr) {
        return Silence::no_journal;
    }
    return signing_begun_ ? Silence::none : Silence::listening;
}

void ConsensusTile::fall_silent(Silence why)
{
    failed_ = true;
    if (silence_ != Silence::none) {
        return; // the first reason is the one to look into
    }
    silence_ = why;
    std::string slots;
    const consensus::ValidatorIndex me{options_.roster.me};
    const auto* heard = words_.newest(me, consensus::StatementKind::tower_vote);
    const auto vote =
        heard == nullptr ? std::nullopt : std::optional{consensus::decode_tower_vote(heard->body)};
    if (vote && *vote) {
        const auto own = engine_->status().last_vote;
        slots = fmt::format(" (a vote for slot {} was heard, its own newest is for {})",
                            (*vote)->block().slot.value, own ? own->slot.value : 0);
    }
    log_.error("fault", "{}{}; this node signs nothing more", to_string(why), slots);
}

} // namespace belfry::node
