// SPDX-License-Identifier: Apache-2.0
#pragma once
// recall.hpp: what the others remember of this validator, asked before it signs anything new; and
// whether another process holds its key.
// Why      a data directory put back from an older copy has forgotten promises, and a second
//          process with the same key makes promises that this one does not know. Neither can be
//          seen in the own files; the others, or the other process, can tell.
// Shapes   little-endian, as bodies of signed statements on the votes lane (dataplane/wire.hpp):
//          kind 14, question  u64 nonce
//          kind 15, answer    u16 asker | u64 nonce | u8 count (0..4) |
//                             count x (u8 statement kind | u16 length | body | 64 signature)
//          An answer holds the newest statement of each kind that was heard of the asker, as the
//          asker itself signed it. It goes to the asker's address in the roster and nowhere else.
// Rules    1. After a start nothing new is signed until those who have answered, and this node,
//             hold more than two thirds of the stake: with fewer nothing becomes final anyway, so
//             this costs no finality; and more than a third of those who could have heard it
//             answer. All ask and answer while they listen themselves, so a cluster that starts as
//             a whole does not wait for anyone who waits for it.
//          2. Nonces begin at random in every process: an answer to an earlier life is none.
//          3. An answer that is signed with the own key was made by another process that runs now:
//             a replayed question brings one about nowhere else, for only its nonce is answered.
//             So both of two processes learn of each other, whichever asks. The own address is
//             asked for as long as the process runs.
// Bounds   a question each question_ns, question_slow_ns after questions_quick of them, probe_ns
//          once it listens no more; of each asker one answer in answer_ns; of each who answers one
//          in reply to each nonce.
// Threads  one owner, the consensus tile.

#include "base/bytes.hpp"
#include "base/strong.hpp"
#include "consensus/evidence.hpp"
#include "consensus/stake_table.hpp"
#include "consensus/validator_index.hpp"
#include "node/last_words.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace belfry::node {

inline constexpr std::uint8_t question_kind = 14;
inline constexpr std::uint8_t answer_kind = 15;

class Recall {
public:
    static constexpr std::uint64_t question_ns = 50'000'000;
    static constexpr std::uint64_t question_slow_ns = 500'000'000;
    static constexpr std::uint64_t questions_quick = 100;
    static constexpr std::uint64_t probe_ns = 1'000'000'000;
    static constexpr std::uint64_t answer_ns = 30'000'000;

    struct Options {
        consensus::ValidatorIndex me;
        consensus::StakeTable stakes;
        std::uint64_t first_nonce = 0; // random
    };
    explicit Recall(Options options);

    /// This node and those who answered are a quorum.
    [[nodiscard]] bool enough() const;
    [[nodiscard]] std::size_t answer_count() const { return answered_count_; }

    struct Question {
        Bytes body;
        bool to_all = false; // else to the own address only
    };
    /// The question that is due, if one is.
    [[nodiscard]] std::optional<Question> ask(std::uint64_t now_ns);
    [[nodiscard]] std::uint64_t next_question_ns() const { return next_question_ns_; }

    /// The answer's body to a question with a good signature; nullopt for a question of this
    /// process itself, one of no sense, and one too soon after the last.
    [[nodiscard]] std::optional<Bytes> answer(consensus::ValidatorIndex asker, ByteView question,
                                              const LastWords& words, std::uint64_t now_ns);
    struct Told {
        bool by_own_key = false;
        std::vector<consensus::Testimony>
            statements; // said to be this node's; signatures unchecked
    };
    /// Of an answer with a good signature. nullopt: not to this process, or of no sense, or again.
    [[nodiscard]] std::optional<Told> take_answer(consensus::ValidatorIndex from, ByteView answer);

private:
    [[nodiscard]] bool is_own_nonce(std::uint64_t nonce) const
    {
        return nonce - options_.first_nonce < asked_count_;
    }
    Options options_;
    std::uint64_t asked_count_ = 0;
    std::uint64_t next_question_ns_ = 0;
    std::vector<std::uint64_t> answered_asker_ns_;          // by asker
    std::vector<std::optional<std::uint64_t>> last_answer_; // by who answered: place of its nonce
    consensus::ValidatorSet answered_;
    std::size_t answered_count_ = 0;
};

} // namespace belfry::node
