// SPDX-License-Identifier: Apache-2.0
#include "consensus/certificate/statement.hpp"
#include "consensus/tower/tower_vote.hpp"
#include "node/recall.hpp"
#include "tests/filled.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

namespace belfry::node {
namespace {

using consensus::Statement;
using consensus::StatementKind;
using consensus::Testimony;
using consensus::ValidatorIndex;

constexpr std::uint64_t ms = 1'000'000;
constexpr ValidatorIndex me{0};

consensus::StakeTable stakes(std::size_t count)
{
    return *consensus::StakeTable::make(std::vector<Stake>(count, Stake{1}));
}
Recall recall(std::size_t validators, std::uint64_t first_nonce, ValidatorIndex who = me)
{
    return Recall({.me = who, .stakes = stakes(validators), .first_nonce = first_nonce});
}
Bytes vote(ValidatorIndex who, std::uint64_t slot)
{
    consensus::Tower tower;
    (void)tower.push(Slot{slot});
    Bytes body;
    consensus::encode_tower_vote({.voter = who, .tower = tower, .block_id = {}, .state_hash = {}},
                                 body);
    return body;
}
LastWords::Age note(LastWords& words, const Statement& statement, std::uint8_t fill = 1)
{
    const consensus::StatementBody body = encode_statement(statement);
    return words.note({.from = statement.voter,
                       .body = body.view(),
                       .kind = statement.kind,
                       .signature = filled<Signature>(fill)});
}
LastWords::Age note_vote(LastWords& words, std::uint64_t slot, ValidatorIndex who = me)
{
    const Bytes body = vote(who, slot);
    return words.note({.from = who,
                       .body = body,
                       .kind = StatementKind::tower_vote,
                       .signature = filled<Signature>(9)});
}
/// What others say to a question, all of them knowing nothing.
void answered_by(Recall& asking, std::uint16_t who, const Bytes& question)
{
    const auto body = recall(8, 0, ValidatorIndex{who}).answer(me, question, LastWords(8), 1);
    ASSERT_TRUE(body);
    EXPECT_TRUE(asking.take_answer(ValidatorIndex{who}, *body));
}

using Age = LastWords::Age;

TEST(LastWords, are_the_newest_of_each_kind_as_they_were_signed)
{
    LastWords words(4);
    EXPECT_TRUE(words.of(me).empty());
    EXPECT_EQ(note_vote(words, 7), Age::newest);
    EXPECT_EQ(note_vote(words, 7), Age::known);
    EXPECT_EQ(note_vote(words, 6), Age::older);
    EXPECT_EQ(note(words, Statement::finalize(me, Slot{5}), 5), Age::newest);
    EXPECT_EQ(note(words, Statement::skip(me, {.first = Slot{8}, .last = Slot{9}})), Age::newest);
    EXPECT_EQ(note(words, Statement::skip(me, {.first = Slot{9}, .last = Slot{9}})), Age::known);
    EXPECT_EQ(note(words, Statement::skip(me, {.first = Slot{6}, .last = Slot{9}})), Age::newest)
        << "it says more";
    EXPECT_EQ(note(words, Statement::skip(me, {.first = Slot{1}, .last = Slot{4}})), Age::older);
    EXPECT_EQ(words.of(me).size(), 3U);
    EXPECT_EQ(words.newest(me, StatementKind::tower_vote)->body, vote(me, 7));
    EXPECT_EQ(words.newest(me, StatementKind::finalize)->signature, filled<Signature>(5));
    EXPECT_EQ(words.newest(me, StatementKind::notarize), nullptr);
    EXPECT_TRUE(words.of(ValidatorIndex{1}).empty());
}

TEST(LastWords, takes_nothing_of_strangers_or_in_anothers_name)
{
    LastWords words(2);
    EXPECT_EQ(note_vote(words, 7, ValidatorIndex{2}), Age::unreadable);
    const Bytes body = vote(me, 7);
    EXPECT_EQ(words.note({.from = ValidatorIndex{1}, .body = body}), Age::unreadable);
    EXPECT_EQ(words.note({.from = me, .body = ByteView(body).first(20)}), Age::unreadable);
    EXPECT_EQ(words.newest(ValidatorIndex{UINT16_MAX}, StatementKind::tower_vote), nullptr);
}

TEST(Recall, is_enough_with_more_than_two_thirds_and_not_with_less)
{
    for (const std::size_t count : {2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
        Recall asking = recall(count, 100);
        const auto question = asking.ask(1);
        ASSERT_TRUE(question);
        EXPECT_TRUE(question->to_all);
        std::uint16_t told = 1; // this node counts
        while (std::size_t{told} * 3 <= count * 2) {
            EXPECT_FALSE(asking.enough()) << told << " of " << count;
            answered_by(asking, told++, question->body);
        }
        EXPECT_TRUE(asking.enough()) << told << " of " << count;
    }
    EXPECT_TRUE(recall(1, 100).enough()) << "there is nobody to ask";
}

TEST(Recall, brings_back_what_was_heard_of_the_asker)
{
    Recall asking = recall(4, 77);
    Recall other = recall(4, 5, ValidatorIndex{2});
    LastWords words(4);
    (void)note_vote(words, 7);
    (void)note(words, Statement::notarize(me, {.slot = Slot{8}, .id = {}}), 2);
    (void)note(words, Statement::skip(me, {.first = Slot{9}, .last = Slot{9}}), 3);
    (void)note(words, Statement::finalize(me, Slot{6}), 4);
    (void)note_vote(words, 90, ValidatorIndex{1});
    const auto body = other.answer(me, asking.ask(1)->body, words, 1);
    ASSERT_TRUE(body);
    const auto told = asking.take_answer(ValidatorIndex{2}, *body);
    ASSERT_TRUE(told);
    EXPECT_FALSE(told->by_own_key);
    EXPECT_EQ(told->statements, words.of(me));
}

TEST(Recall, takes_no_answer_to_another_life_another_node_or_twice)
{
    Recall asking = recall(4, 1000);
    const Bytes question = asking.ask(1)->body;
    const auto from = [](const Bytes& asked, ValidatorIndex asker) {
        return *recall(4, 0, ValidatorIndex{1}).answer(asker, asked, LastWords(4), 1);
    };
    EXPECT_FALSE(asking.take_answer(ValidatorIndex{1}, from(question, ValidatorIndex{2})));
    for (const std::uint64_t nonce : {std::uint64_t{0}, std::uint64_t{999}, std::uint64_t{1001}}) {
        Recall earlier = recall(4, nonce);
        EXPECT_FALSE(asking.take_answer(ValidatorIndex{1}, from(earlier.ask(1)->body, me)))
            << nonce;
    }
    EXPECT_EQ(asking.answer_count(), 0U);
    const Bytes good = from(question, me);
    for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
        EXPECT_FALSE(asking.take_answer(ValidatorIndex{1}, ByteView(good).first(bytes)));
    }
    EXPECT_FALSE(asking.take_answer(ValidatorIndex{9}, good)) << "of no validator";
    EXPECT_TRUE(asking.take_answer(ValidatorIndex{1}, good));
    EXPECT_FALSE(asking.take_answer(ValidatorIndex{1}, good)) << "again";
    EXPECT_EQ(asking.answer_count(), 1U);
}

TEST(Recall, refuses_answers_whose_form_is_not_right)
{
    Recall asking = recall(4, 1);
    LastWords words(4);
    (void)note_vote(words, 7);
    const Bytes good = *recall(4, 0, ValidatorIndex{1}).answer(me, asking.ask(1)->body, words, 1);
    constexpr std::size_t count_at = 2 + 8;
    for (const std::uint8_t count : std::to_array<std::uint8_t>({0, 2, 5, 255})) {
        Bytes wrong = good;
        wrong[count_at] = count;
        EXPECT_FALSE(asking.take_answer(ValidatorIndex{1}, wrong)) << int{count};
    }
    for (const std::uint8_t kind : std::to_array<std::uint8_t>({0, 5, 14, 15, 255})) {
        Bytes wrong = good;
        wrong[count_at + 1] = kind;
        EXPECT_FALSE(asking.take_answer(ValidatorIndex{1}, wrong)) << int{kind};
    }
    EXPECT_TRUE(asking.take_answer(ValidatorIndex{1}, good));
}

TEST(Recall, an_answer_with_the_own_key_was_made_by_another_process)
{
    Recall here = recall(4, 1000);
    Recall there = recall(4, 5000);
    const Bytes asked_here = here.ask(1)->body;
    EXPECT_FALSE(here.answer(me, asked_here, LastWords(4), 1)) << "its own question";
    const auto body = there.answer(me, asked_here, LastWords(4), 1);
    ASSERT_TRUE(body);
    EXPECT_FALSE(there.take_answer(me, *body)) << "its own answer";
    const auto told = here.take_answer(me, *body);
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->by_own_key);
    EXPECT_EQ(here.answer_count(), 0U);
}

TEST(Recall, a_replayed_question_silences_nobody)
{
    const Bytes recorded = recall(4, 1).ask(1)->body; // of an earlier life
    Recall now = recall(4, 1000);
    (void)now.ask(1);
    const auto body = now.answer(me, recorded, LastWords(4), 1);
    ASSERT_TRUE(body);
    EXPECT_FALSE(now.take_answer(me, *body));
}

TEST(Recall, asks_often_then_seldom_and_when_it_listens_no_more_only_itself)
{
    Recall asking = recall(4, 1);
    std::uint64_t at = 1;
    std::size_t count = 0;
    for (; at < 30'000 * ms; at += 10 * ms) {
        if (const auto question = asking.ask(at)) {
            EXPECT_TRUE(question->to_all);
            ++count;
        }
    }
    EXPECT_GE(count, 140U);
    EXPECT_LE(count, 155U);
    const Bytes last = asking.ask(at + Recall::question_slow_ns)->body;
    at += Recall::question_slow_ns;
    answered_by(asking, 1, last);
    answered_by(asking, 2, last);
    ASSERT_TRUE(asking.enough());
    count = 0;
    for (const std::uint64_t end = at + 10'000 * ms; at < end; at += 10 * ms) {
        if (const auto question = asking.ask(at)) {
            EXPECT_FALSE(question->to_all);
            ++count;
        }
    }
    EXPECT_GE(count, 9U);
    EXPECT_LE(count, 11U);
}

TEST(Recall, a_question_of_its_own_key_that_it_did_not_ask_makes_it_ask_at_once)
{
    Recall asking = recall(1, 1);
    ASSERT_TRUE(asking.ask(1));
    ASSERT_EQ(asking.next_question_ns(), 1 + Recall::probe_ns);
    ASSERT_TRUE(asking.answer(me, recall(1, 999).ask(1)->body, LastWords(1), 2));
    EXPECT_EQ(asking.next_question_ns(), 2 + Recall::question_ns);
}

TEST(Recall, a_flood_of_questions_of_one_asker_takes_nothing_from_another)
{
    Recall asked = recall(4, 1);
    std::size_t given = 0;
    for (std::uint64_t i = 0; i < 10'000; ++i) { // in a second
        const Bytes question = recall(4, 50'000 + i, ValidatorIndex{1}).ask(1)->body;
        given +=
            asked.answer(ValidatorIndex{1}, question, LastWords(4), ms + i * ms / 10) ? 1U : 0U;
    }
    EXPECT_GE(given, 30U);
    EXPECT_LE(given, 34U);
    const Bytes question = recall(4, 7, ValidatorIndex{2}).ask(1)->body;
    EXPECT_TRUE(asked.answer(ValidatorIndex{2}, question, LastWords(4), 1001 * ms));
    EXPECT_FALSE(asked.answer(ValidatorIndex{4}, question, LastWords(4), 1001 * ms));
    EXPECT_FALSE(asked.answer(ValidatorIndex{3}, ByteView(question).first(7), LastWords(4), 1));
}

} // namespace
} // namespace belfry::node
