// SPDX-License-Identifier: Apache-2.0
#include "node/recall.hpp"

#include "base/check.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/tower/tower_vote.hpp"
#include "dataplane/wire.hpp"

#include <algorithm>
#include <utility>

namespace belfry::node {
namespace {

using consensus::StatementKind;
using consensus::Testimony;
using consensus::ValidatorIndex;

constexpr std::size_t around_bytes = 1 + 2 + Signature::size_bytes; // a statement's body
constexpr std::size_t recall_answer_bytes_max =
    2 + 8 + 1 + around_bytes + consensus::tower_vote_bytes_max +
    (LastWords::kind_count - 1) * (around_bytes + consensus::statement_bytes_max);
static_assert(recall_answer_bytes_max <= dataplane::vote_body_bytes_max);

struct Answer {
    ValidatorIndex asker;
    std::uint64_t nonce = 0;
    std::vector<Testimony> statements;
};

std::optional<Answer> decode(ByteView bytes)
{
    ByteReader reader(bytes);
    Answer answer;
    answer.asker.value = reader.u16();
    answer.nonce = reader.u64();
    const std::uint8_t count = reader.u8();
    if (!reader.ok() || count > LastWords::kind_count) {
        return std::nullopt;
    }
    for (unsigned i = 0; i < count; ++i) {
        const std::uint8_t kind = reader.u8();
        const ByteView body = reader.bytes(reader.u16());
        const auto signature = reader.fixed<Signature>();
        if (!reader.ok() || !consensus::is_statement_kind(kind) || body.empty()) {
            return std::nullopt;
        }
        answer.statements.push_back({.kind = static_cast<StatementKind>(kind),
                                     .body = {body.begin(), body.end()},
                                     .signature = signature});
    }
    return reader.finished() ? std::optional{std::move(answer)} : std::nullopt;
}

} // namespace

Recall::Recall(Options options)
    : options_(std::move(options))
    , answered_asker_ns_(options_.stakes.count())
    , last_answer_(options_.stakes.count())
{
    (void)answered_.insert(options_.me);
}

bool Recall::enough() const
{
    return options_.stakes.is_more_than(options_.stakes.of(answered_), consensus::two_thirds);
}

std::optional<Recall::Question> Recall::ask(std::uint64_t now_ns)
{
    if (now_ns < next_question_ns_) {
        return std::nullopt;
    }
    const bool listening = !enough();
    const std::uint64_t pause = !listening                       ? probe_ns
                                : asked_count_ < questions_quick ? question_ns
                                                                 : question_slow_ns;
    next_question_ns_ = now_ns + pause;
    Question question{.body = {}, .to_all = listening || asked_count_ == 0};
    ByteWriter(question.body).u64(options_.first_nonce + asked_count_);
    ++asked_count_;
    return question;
}

std::optional<Bytes> Recall::answer(ValidatorIndex asker, ByteView question, const LastWords& words,
                                    std::uint64_t now_ns)
{
    ByteReader reader(question);
    const std::uint64_t nonce = reader.u64();
    if (!reader.finished() || asker.value >= answered_asker_ns_.size()) {
        return std::nullopt;
    }
    if (asker == options_.me) {
        if (is_own_nonce(nonce)) {
            return std::nullopt;
        }
        // Somebody else's, or a replay of an earlier life's: a question of one's own will tell.
        next_question_ns_ = std::min(next_question_ns_, now_ns + question_ns);
    }
    std::uint64_t& last = answered_asker_ns_[asker.value];
    if (last != 0 && now_ns - last < answer_ns) {
        return std::nullopt;
    }
    last = now_ns;
    const std::vector<Testimony> statements = words.of(asker);
    Bytes body;
    ByteWriter writer(body);
    writer.u16(asker.value);
    writer.u64(nonce);
    writer.u8(static_cast<std::uint8_t>(statements.size()));
    for (const Testimony& statement : statements) {
        writer.u8(static_cast<std::uint8_t>(statement.kind));
        writer.u16(static_cast<std::uint16_t>(statement.body.size()));
        writer.bytes(statement.body);
        writer.bytes(statement.signature.view());
    }
    BELFRY_CHECK(body.size() <= recall_answer_bytes_max); // bodies that their decoders took
    return body;
}

std::optional<Recall::Told> Recall::take_answer(ValidatorIndex from, ByteView answer)
{
    std::optional<Answer> decoded = decode(answer);
    if (!decoded || decoded->asker != options_.me || !is_own_nonce(decoded->nonce) ||
        from.value >= last_answer_.size()) {
        return std::nullopt;
    }
    if (from == options_.me) {
        return Told{.by_own_key = true, .statements = {}};
    }
    const std::uint64_t place = decoded->nonce - options_.first_nonce;
    std::optional<std::uint64_t>& last = last_answer_[from.value];
    if (last && place <= *last) {
        return std::nullopt;
    }
    last = place;
    answered_count_ += answered_.insert(from) ? 1U : 0U;
    return Told{.by_own_key = false, .statements = std::move(decoded->statements)};
}

} // namespace belfry::node
