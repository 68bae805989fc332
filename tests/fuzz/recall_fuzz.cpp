// SPDX-License-Identifier: Apache-2.0
// Questions, answers and statements from anywhere: refused, or an answer that brings back exactly
// what was heard; and nobody counts twice.
#include "base/check.hpp"
#include "node/recall.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace {

using namespace belfry::node; // NOLINT(google-build-using-namespace): one small program
using belfry::Bytes;
using belfry::ByteView;
using belfry::consensus::StatementKind;
using belfry::consensus::ValidatorIndex;

constexpr std::size_t validator_count = 4;
constexpr ValidatorIndex other{3};

Recall recall(ValidatorIndex me, std::uint64_t first_nonce)
{
    const std::vector<belfry::Stake> stakes(validator_count, belfry::Stake{1});
    return Recall({.me = me,
                   .stakes = *belfry::consensus::StakeTable::make(stakes),
                   .first_nonce = first_nonce});
}

/// The answer as bytes from anywhere, to a node that has asked just that.
void take(ByteView bytes)
{
    belfry::ByteReader reader(bytes);
    const ValidatorIndex asker{reader.u16()};
    const std::uint64_t nonce = reader.u64();
    if (!reader.ok() || asker.value >= validator_count) {
        return;
    }
    Recall asking = recall(asker, nonce);
    BELFRY_CHECK(!asking.take_answer(other, bytes)); // nothing was asked yet
    (void)asking.ask(1);
    const auto told = asking.take_answer(other, bytes);
    BELFRY_CHECK(asking.answer_count() == (told && asker != other ? 1 : 0));
    BELFRY_CHECK(asker == other || !asking.take_answer(other, bytes));
    BELFRY_CHECK(!told || told->statements.size() <= LastWords::kind_count);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{data, size};
    take(bytes);
    LastWords words(validator_count);
    for (std::uint8_t kind = 1; kind <= LastWords::kind_count; ++kind) {
        for (std::uint16_t voter = 0; voter < validator_count; ++voter) {
            (void)words.note({.from = ValidatorIndex{voter},
                              .body = bytes,
                              .kind = static_cast<StatementKind>(kind)});
        }
    }
    for (std::uint16_t voter = 0; voter < validator_count; ++voter) {
        const ValidatorIndex asker{voter};
        Recall asking = recall(asker, 7);
        Recall answering = recall(other, 9000);
        (void)answering.answer(asker, bytes, words, 1);
        const auto body = answering.answer(asker, asking.ask(1)->body, words, 1'000'000'000);
        BELFRY_CHECK(body);
        const auto told = asking.take_answer(other, *body);
        BELFRY_CHECK(told && (asker == other || told->statements == words.of(asker)));
    }
    return 0;
}
