// SPDX-License-Identifier: Apache-2.0
// Statements, vote bundles, certificates, evidence and journal records from anywhere: refused, or
// one encoding and no other; and a gadget that hears them keeps its tallies.
#include "base/check.hpp"
#include "consensus/certificate/certificate.hpp"
#include "consensus/certificate/gadget.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "consensus/evidence.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belfry::consensus; // NOLINT(google-build-using-namespace): one small program
using belfry::Bytes;
using belfry::ByteView;
using belfry::Stake;

class Listener {
public:
    explicit Listener(ByteView record = {})
        : gadget_(
              {.self = ValidatorIndex{0}, .may_sign = true, .slots_max = 64, .history_slots = 4},
              counter_)
    {
        (void)gadget_.restore({.sequence = JournalSequence::first(), .bytes = record});
        constexpr std::array stakes{Stake{1}, Stake{1}, Stake{1}, Stake{1}};
        gadget_.begin_epoch({}, {.number = {}, .first_slot = {}, .stakes = stakes, .schedule = {}},
                            effects_);
    }
    void hear(const SignedStatement& vote)
    {
        const StatementBody body = encode_statement(vote.statement);
        effects_.clear();
        // Any voter of the roster, so that certificates form.
        gadget_.hear({},
                     {.from = vote.statement.voter,
                      .body = body.view(),
                      .kind = vote.statement.kind,
                      .signature = vote.signature},
                     effects_);
    }
    void check() { BELFRY_CHECK(!gadget_.check().has_value()); }

private:
    JournalCounter counter_;
    CertificateGadget gadget_;
    Effects effects_;
};

void statements(ByteView bytes)
{
    for (const StatementKind kind :
         {StatementKind::notarize, StatementKind::skip, StatementKind::finalize}) {
        const auto statement = decode_statement(kind, bytes);
        if (statement) {
            BELFRY_CHECK(std::ranges::equal(encode_statement(*statement).view(), bytes));
            BELFRY_CHECK(well_formed(*statement));
        }
    }
}

void bundle(ByteView bytes)
{
    const auto decoded = decode_vote_bundle(bytes);
    if (!decoded) {
        return;
    }
    Bytes again;
    const Statement& first = decoded->votes().front().statement;
    belfry::Slot slot = first.first;
    if (first.kind == StatementKind::skip) { // which slot all cover is the bundle's own word
        belfry::ByteReader reader(bytes.subspan(1));
        slot = belfry::Slot{reader.u64()};
    }
    encode_vote_bundle(slot, decoded->votes(), again);
    BELFRY_CHECK(std::ranges::equal(again, bytes));
    Listener listener;
    for (const SignedStatement& vote : decoded->votes()) {
        listener.hear(vote);
    }
    listener.check();
}

void certificate(ByteView bytes)
{
    const auto decoded = decode_certificate(bytes);
    if (!decoded) {
        return;
    }
    Bytes again;
    encode_certificate(*decoded, again);
    BELFRY_CHECK(std::ranges::equal(again, bytes));
    constexpr std::array stakes{Stake{1}, Stake{1}, Stake{1}, Stake{1}};
    const auto table = StakeTable::make(stakes);
    const auto believe = [](ValidatorIndex, StatementKind, ByteView, const belfry::Signature&) {
        return true;
    };
    if (verify_certificate(*decoded, *table, believe)) {
        BELFRY_CHECK(decoded->votes.size() == 3 || decoded->votes.size() == 4);
        Listener listener;
        for (const SignedStatement& vote : decoded->votes) {
            listener.hear(vote);
        }
        listener.check();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{data, size};
    statements(bytes);
    bundle(bytes);
    certificate(bytes);
    if (const auto evidence = decode_evidence(bytes)) {
        Bytes again;
        encode_evidence(*evidence, again);
        BELFRY_CHECK(std::ranges::equal(again, bytes));
        BELFRY_CHECK(find_contradiction(evidence->second, evidence->first) == *evidence);
    }
    Listener(bytes).check();
    return 0;
}
