// SPDX-License-Identifier: Apache-2.0
// What must never be, seen from outside of the machines.
#include "consensus/evidence.hpp"
#include "tests/consensus/certificate_mesh.hpp"

#include <algorithm>
#include <string>

namespace belfry::consensus::testing {

// ---- The oracle ---------------------------------------------------------------------------------

void Mesh::look_at_statement(std::size_t m, const Statement& statement)
{
    Said& said = said_[m];
    for (std::uint64_t slot = statement.first.value; slot <= statement.last.value; ++slot) {
        if (statement.kind == StatementKind::notarize) {
            const auto [place, fresh] = said.notarized.try_emplace(slot, statement.id);
            if (!fresh && place->second != statement.id) {
                violations_.insert("an honest validator notarized two blocks in a slot");
            }
        } else if (statement.kind == StatementKind::skip) {
            said.skipped.insert(slot);
        } else {
            said.finalized.insert(slot);
        }
        if (said.skipped.contains(slot) && said.finalized.contains(slot)) {
            violations_.insert("an honest validator finalized and skipped a slot");
        }
    }
}

void Mesh::look_at_effect(const Effect& effect)
{
    if (const auto* certified = std::get_if<Certified>(&effect)) {
        ++stored_count_;
        const std::vector<Stake> stakes(options_.count, Stake{1});
        const auto decoded = decode_certificate(certified->certificate);
        if (!decoded || decoded->slot != certified->slot ||
            !verify_certificate(*decoded, *StakeTable::make(stakes), test_check)) {
            violations_.insert("a certificate that cannot be verified");
        }
    } else if (const auto* expose = std::get_if<Expose>(&effect)) {
        ++evidence_count_;
        const auto decoded = decode_evidence(expose->evidence);
        if (!decoded || !verify_evidence(*decoded, test_check)) {
            violations_.insert("evidence that cannot be verified");
        }
        if (expose->who.value < honest()) {
            violations_.insert("evidence against an honest validator");
        }
    } else if (std::holds_alternative<Fault>(effect)) {
        violations_.insert("an honest node stopped with a fault");
    }
}

void Mesh::look(std::size_t m)
{
    Machine& machine = machines_[m];
    const CertificateGadget& gadget = machine.gadget();
    if (draw(64) == 0) {
        if (const auto broken = machine.engine ? machine.engine->check() : gadget.check()) {
            violations_.insert("check: " + std::string{*broken});
        }
    }
    const std::uint64_t first = machine.finalized.slot.value;
    for (std::uint64_t slot = first > 8 ? first - 8 : 1; slot <= now_ms_ / mesh_slot_ms + 5;
         ++slot) {
        if (const auto block = gadget.notarized(Slot{slot});
            block && machine.seen.insert({0, slot}).second) {
            if (!quorum(machine.heard_notarize[{slot, block->id}].size())) {
                violations_.insert("a notarization certificate without a quorum");
            }
            const auto [place, fresh] = notarized_.try_emplace(slot, block->id);
            if (!fresh && place->second != block->id) {
                violations_.insert("two notarization certificates in a slot");
            }
        }
        if (gadget.has_certificate(StatementKind::skip, Slot{slot}) &&
            machine.seen.insert({1, slot}).second) {
            skip_certified_.insert(slot);
            if (!quorum(machine.heard_skip[slot].size())) {
                violations_.insert("a skip certificate without a quorum");
            }
        }
        if (gadget.has_certificate(StatementKind::finalize, Slot{slot}) &&
            machine.seen.insert({2, slot}).second) {
            final_certified_.insert(slot);
            if (!quorum(machine.heard_finalize[slot].size())) {
                violations_.insert("a final certificate without a quorum");
            }
        }
        if (skip_certified_.contains(slot) && final_certified_.contains(slot)) {
            violations_.insert("a slot with a final and a skip certificate");
        }
    }
    look_at_finalized(m);
}

void Mesh::look_at_finalized(std::size_t m)
{
    Machine& machine = machines_[m];
    const BlockName block = machine.gadget().finalized();
    if (block == machine.finalized) {
        return;
    }
    if (block.slot <= machine.finalized.slot) {
        violations_.insert("finality went back");
    }
    machine.finalized = block;
    const bool newer = block.slot > final_top_.slot;
    const BlockName lower = newer ? final_top_ : block;
    BlockName walked = newer ? block : final_top_;
    while (walked.slot > lower.slot) {
        walked = blocks_.at(walked.id).parent;
    }
    if (walked != lower) {
        violations_.insert("two final blocks of different chains");
    }
    if (newer) {
        final_top_ = block;
    }
}

} // namespace belfry::consensus::testing
