// SPDX-License-Identifier: Apache-2.0
#pragma once
// certificate_bench.hpp: one certificate gadget, and hands that do what it asks. For tests.

#include "consensus/certificate/gadget.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "consensus/evidence.hpp"
#include "tests/consensus/block_names.hpp"
#include "tests/consensus/certificate_mesh.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace belfry::consensus::testing {

/// Validator 0 of n with equal stakes, and hands that do what its gadget asks.
class GadgetBench {
public:
    explicit GadgetBench(std::size_t voter_count = 4, GadgetConfig config = standard(),
                         const std::vector<Bytes>& journal = {})
        : voters(voter_count)
        , gadget(config, counter)
    {
        for (const Bytes& record : journal) {
            const JournalSequence sequence = counter.next();
            restored = gadget.restore({.sequence = sequence, .bytes = record});
            if (!restored) {
                return;
            }
        }
        kept = journal;
        begin_epoch(0, 0, std::vector<Stake>(voter_count, Stake{1}));
    }
    static GadgetConfig standard() { return {.self = ValidatorIndex{0}, .may_sign = true}; }

    void begin_epoch(std::uint64_t number, std::uint64_t first_slot,
                     const std::vector<Stake>& stakes)
    {
        step([&] {
            gadget.begin_epoch(now(),
                               {.number = Epoch{number},
                                .first_slot = Slot{first_slot},
                                .stakes = stakes,
                                .schedule = {}},
                               effects);
        });
    }
    void block(const BlockName& block, const BlockName& parent, bool valid = true)
    {
        step([&] {
            gadget.ready(now(),
                         {.block = block,
                          .parent = parent,
                          .validity = valid ? Validity::valid : Validity::invalid,
                          .state_hash = {},
                          .author = {}},
                         effects);
        });
    }
    void hear(const Statement& statement)
    {
        const StatementBody body = encode_statement(statement);
        step([&] {
            gadget.hear(now(),
                        {.from = statement.voter,
                         .body = body.view(),
                         .kind = statement.kind,
                         .signature = test_signature(statement.voter, statement.kind, body.view())},
                        effects);
        });
    }
    void notarize(int who, const BlockName& block)
    {
        hear(Statement::notarize(ValidatorIndex{static_cast<std::uint16_t>(who)}, block));
    }
    void skip(int who, std::uint64_t first, std::uint64_t last)
    {
        hear(Statement::skip(ValidatorIndex{static_cast<std::uint16_t>(who)},
                             {.first = Slot{first}, .last = Slot{last}}));
    }
    void finalize(int who, std::uint64_t slot)
    {
        hear(Statement::finalize(ValidatorIndex{static_cast<std::uint16_t>(who)}, Slot{slot}));
    }
    /// Slots of 600 ms; slot s begins at s x 600.
    void tick(std::uint64_t slot)
    {
        pass_to(slot * 600);
        step([&] { gadget.tick(now(), Slot{slot}, effects); });
    }
    /// The alarm goes off as often as it was set.
    void pass_to(std::uint64_t ms)
    {
        while (alarm && *alarm <= ms) {
            at_ms = std::max(at_ms, *alarm);
            alarm.reset();
            step([&] { gadget.wake(now(), effects); });
        }
        at_ms = std::max(at_ms, ms);
    }
    void persist_all()
    {
        if (counter.last()) {
            step([&] { gadget.persisted(now(), *counter.last(), effects); });
        }
    }
    /// Its own statements come back signed, as the node gives them.
    void echo()
    {
        const std::vector<Statement> own = said;
        for (const Statement& statement : own) {
            hear(statement);
        }
    }

    [[nodiscard]] bool says(const Statement& statement) const
    {
        return std::ranges::find(said, statement) != said.end();
    }
    [[nodiscard]] bool says_notarize(const BlockName& block) const
    {
        return says(Statement::notarize(ValidatorIndex{0}, block));
    }
    [[nodiscard]] bool says_finalize(std::uint64_t slot) const
    {
        return says(Statement::finalize(ValidatorIndex{0}, Slot{slot}));
    }
    [[nodiscard]] bool says_skip(std::uint64_t slot) const
    {
        return std::ranges::any_of(said, [&](const Statement& one) {
            return one.kind == StatementKind::skip && one.covers(Slot{slot});
        });
    }

    std::size_t voters;
    JournalCounter counter;
    CertificateGadget gadget;
    Effects effects;
    Result<void, RestoreError> restored;
    std::vector<Bytes> kept;
    std::vector<Statement> said;
    std::map<std::uint64_t, std::uint64_t> sends_after; // how often each record was waited for
    struct Relayed {
        std::optional<ValidatorIndex> to;
        std::vector<SignedStatement> votes;
    };
    std::vector<Relayed> relayed;
    std::vector<Certificate> certified;
    std::vector<Evidence> exposed;
    std::vector<FaultReason> faults;
    std::vector<BlockName> wanted;
    std::optional<std::uint64_t> alarm;
    std::uint64_t at_ms = 0;

private:
    [[nodiscard]] Tick now() const { return Tick{at_ms * 1'000'000}; }
    template <class F>
    void step(F&& what)
    {
        effects.clear();
        std::forward<F>(what)();
        for (const Effect& effect : effects.list()) {
            if (const auto* persist = std::get_if<Persist>(&effect)) {
                kept.emplace_back(persist->record.begin(), persist->record.end());
                ASSERT_EQ(persist->sequence.value(), kept.size());
            } else if (const auto* send = std::get_if<Send>(&effect)) {
                ASSERT_LE(send->after.value(), kept.size());
                said.push_back(*decode_statement(send->kind, send->body));
                ++sends_after[send->after.value()];
            } else if (const auto* relay = std::get_if<Relay>(&effect)) {
                const auto bundle = decode_vote_bundle(relay->body);
                ASSERT_TRUE(bundle);
                relayed.push_back(
                    {.to = relay->to, .votes = {bundle->votes().begin(), bundle->votes().end()}});
            } else if (const auto* done = std::get_if<Certified>(&effect)) {
                certified.push_back(*decode_certificate(done->certificate));
            } else if (const auto* expose = std::get_if<Expose>(&effect)) {
                exposed.push_back(*decode_evidence(expose->evidence));
            } else if (const auto* fault = std::get_if<Fault>(&effect)) {
                faults.push_back(fault->why);
            } else if (const auto* want = std::get_if<Want>(&effect)) {
                wanted.push_back(want->block);
            } else if (const auto* arm = std::get_if<Arm>(&effect)) {
                alarm = (arm->at.value + 999'999) / 1'000'000;
            }
        }
        ASSERT_EQ(gadget.check(), std::nullopt);
    }
};

} // namespace belfry::consensus::testing
