// SPDX-License-Identifier: Apache-2.0
// What the engine asks for: records, statements, blocks, levels. Persist, then send, is kept here.
#include "consensus/certificate/statement.hpp"
#include "node/cli/exit_code.hpp"
#include "node/proof_kind.hpp"
#include "node/tiles/consensus_tile.hpp"

#include <algorithm>

namespace belfry::node {
namespace {

constexpr std::uint64_t finality_lag_no_transactions = 512;

Bytes bytes_of(ByteView view)
{
    return {view.begin(), view.end()};
}
Silence silence_of(consensus::FaultReason why)
{
    switch (why) {
    case consensus::FaultReason::root_conflicts:
        return Silence::root_conflicts;
    case consensus::FaultReason::identity_elsewhere:
        return Silence::identity_elsewhere;
    case consensus::FaultReason::stake_table_refused:
        return Silence::stakes_refused;
    case consensus::FaultReason::certificates_conflict:
        return Silence::certificates_clash;
    case consensus::FaultReason::final_block_invalid:
        break;
    }
    return Silence::final_block_invalid;
}

} // namespace

/// One input, and whatever follows from it here: records that became durable, own statements that
/// were signed. Ends because an engine answers each of its own records and statements once.
void ConsensusTile::step(const consensus::Input& input, std::uint64_t now_ns)
{
    const consensus::Tick tick{now_ns - started_ns_};
    std::uint64_t told = durable_sequence_;
    one_step(tick, input, now_ns);
    while (!failed_) {
        if (durable_sequence_ != told) {
            told = durable_sequence_;
            one_step(tick, consensus::Persisted{*consensus::JournalSequence::from(told)}, now_ns);
        } else if (!own_statements_.empty()) {
            const OwnStatement own = std::move(own_statements_.front());
            own_statements_.pop_front();
            if (own.kind != consensus::StatementKind::skip) {
                const auto vote = consensus::decode_statement(own.kind, own.body);
                counts_.notarized = std::max(counts_.notarized, vote ? vote->first : Slot{});
            }
            one_step(tick,
                     consensus::VoteMessage{.from = {options_.roster.me},
                                            .body = own.body,
                                            .kind = own.kind,
                                            .signature = own.signature},
                     now_ns);
        } else {
            return;
        }
    }
}

void ConsensusTile::one_step(consensus::Tick tick, const consensus::Input& input,
                             std::uint64_t now_ns)
{
    effects_.clear();
    engine_->step(tick, input, effects_);
    perform(effects_, now_ns);
}

void ConsensusTile::perform(const consensus::Effects& effects, std::uint64_t now_ns)
{
    persist(effects);
    for (const consensus::Effect& effect : effects.list()) {
        if (const auto* statement = std::get_if<consensus::Send>(&effect)) {
            send(*statement);
        } else if (const auto* bundle = std::get_if<consensus::Relay>(&effect)) {
            relay(*bundle);
        } else if (const auto* arm = std::get_if<consensus::Arm>(&effect)) {
            timers_[{arm->timer.kind, arm->timer.slot}] = started_ns_ + arm->at.value;
        } else if (const auto* order = std::get_if<consensus::Build>(&effect)) {
            build(*order, now_ns);
        } else if (const auto* level = std::get_if<consensus::Commit>(&effect)) {
            commit(*level);
        } else if (const auto* best = std::get_if<consensus::BestFork>(&effect)) {
            push_or_wait(links_.consensus_bank,
                         ConsensusToBank(ProcessedBlock{ref_of(best->block)}), stop_);
        } else if (const auto* want = std::get_if<consensus::Want>(&effect)) {
            push_or_wait(links_.consensus_shred, ConsensusToShred(WantedBlock{ref_of(want->block)}),
                         stop_);
        } else if (const auto* accuse = std::get_if<consensus::Accuse>(&effect)) {
            ++counts_.accusations;
            log_.warning("accuse", "{} signed two things for slot {}",
                         options_.roster.validators[accuse->who.value].name,
                         accuse->first.slot.value);
        } else if (const auto* certified = std::get_if<consensus::Certified>(&effect)) {
            keep_proof(
                {.name = {.slot = certified->slot, .kind = proof_kind(certified->kind), .about = 0},
                 .bytes = bytes_of(certified->certificate)});
        } else if (const auto* exposed = std::get_if<consensus::Expose>(&effect)) {
            take_evidence(exposed->evidence);
        } else if (const auto* fault = std::get_if<consensus::Fault>(&effect)) {
            // Before it has signed anything here, its own files are what is most likely wrong.
            const bool before =
                fault->why == consensus::FaultReason::identity_elsewhere && !signing_begun_;
            fall_silent(before ? Silence::journal_is_old : silence_of(fault->why));
        }
    }
}

/// All records of a step in one write, before anything that waits for one of them.
void ConsensusTile::persist(const consensus::Effects& effects)
{
    std::vector<ledger::JournalEntry> entries;
    std::uint64_t last = 0;
    for (const consensus::Effect& effect : effects.list()) {
        if (const auto* record = std::get_if<consensus::Persist>(&effect)) {
            entries.push_back({record->record.front(), record->record});
            last = record->sequence.value();
        }
    }
    if (entries.empty() || journal_ == nullptr || failed_) {
        return; // nothing becomes durable, so nothing that depends on it leaves
    }
    const std::uint64_t begun = monotonic_ns();
    const auto written = journal_->append(entries);
    if (!written || *written != last) {
        failed_ = true;
        silence_ = Silence::journal_failed;
        const bool space = !written && written.error() == ledger::JournalError::disk_full;
        node_.stop_node(exit_io, space ? "vote journal: a write failed (disk_full): free space, "
                                         "then start again"
                                       : "vote journal: a write failed (io): check the disk, then "
                                         "start again");
        return;
    }
    durable_sequence_ = *written;
    counts_.journal_ns_max = std::max(counts_.journal_ns_max, monotonic_ns() - begun);
}

void ConsensusTile::send(const consensus::Send& send)
{
    if (failed_ || send.after.value() > durable_sequence_) {
        return;
    }
    const Signature signature = say({.kind = static_cast<std::uint8_t>(send.kind),
                                     .voter_index = options_.roster.me,
                                     .body = send.body},
                                    std::nullopt);
    if (send.kind != consensus::StatementKind::tower_vote) {
        own_statements_.push_back(
            {.kind = send.kind, .body = bytes_of(send.body), .signature = signature});
    }
    ++counts_.votes_sent;
}

/// To the own address too: whoever else listens there with this key hears that he is not alone.
Signature ConsensusTile::say(const dataplane::SignedVote& statement, std::optional<std::size_t> to)
{
    const Bytes bytes = intake_.signing_bytes(statement);
    const Signature signature = key_.sign(crypto::SigningPurpose::vote, bytes);
    intake_.note_own(bytes);
    dataplane::write_vote(prefix_,
                          {.kind = statement.kind,
                           .voter_index = statement.voter_index,
                           .body = statement.body,
                           .signature = signature},
                          vote_bytes_);
    for (std::size_t i = 0; i < options_.roster.validators.size(); ++i) {
        if (!to || *to == i) {
            send_to(i, vote_bytes_);
        }
    }
    return signature;
}

void ConsensusTile::relay(const consensus::Relay& relay)
{
    dataplane::write_vote_bundle(prefix_, relay.body, vote_bytes_);
    ++counts_.bundles_sent;
    for (std::size_t i = 0; i < options_.roster.validators.size(); ++i) {
        if (i != options_.roster.me && (!relay.to || relay.to->value == i)) {
            send_to(i, vote_bytes_);
        }
    }
}

void ConsensusTile::send_to(std::size_t validator, ByteView datagram)
{
    Packet* const packet = links_.consensus_net.claim();
    if (packet == nullptr) {
        ++counts_.net_link_full;
        return;
    }
    packet->lane = dataplane::Lane::votes;
    packet->peer = options_.roster.validators[validator].votes;
    packet->set_payload(datagram);
    links_.consensus_net.commit();
}

void ConsensusTile::build(const consensus::Build& build, std::uint64_t now_ns)
{
    if (failed_ || build.after.value() > durable_sequence_) {
        return;
    }
    const std::uint64_t deadline = clock_.end_of(build.slot);
    if (deadline <= now_ns) {
        ++counts_.builds_too_late;
        return;
    }
    const std::uint64_t lag = build.slot.value - std::min(build.slot, finalized_.slot).value;
    push_or_wait(links_.consensus_bank,
                 ConsensusToBank(BuildOrder{.slot = build.slot,
                                            .parent = ref_of(build.parent),
                                            .begin_ns = now_ns,
                                            .deadline_ns = deadline,
                                            .certificates = engine_->latest_certificates(),
                                            .pack = lag <= finality_lag_no_transactions}),
                 stop_);
}

void ConsensusTile::commit(const consensus::Commit& commit)
{
    const ledger::BlockRef ref = ref_of(commit.block);
    switch (commit.level) {
    case consensus::Level::processed:
    case consensus::Level::rooted:
    case consensus::Level::super_rooted:
        return;
    case consensus::Level::confirmed:
        push_or_wait(links_.consensus_bank, ConsensusToBank(ConfirmedBlock{ref}), stop_);
        return;
    case consensus::Level::finalized:
        set_finalized(ref);
        return;
    }
}

/// A proof that the link has no room for is lost here: others have it, and blocks carry it.
void ConsensusTile::keep_proof(ledger::Proof proof)
{
    if (!links_.consensus_store.push(StoreProof{std::move(proof)})) {
        ++counts_.proofs_dropped;
    }
}

void ConsensusTile::take_evidence(ByteView bytes)
{
    const auto evidence = consensus::decode_evidence(bytes);
    if (!evidence || evidence->voter.value >= evidence_.size()) {
        ++counts_.evidence_refused;
        return;
    }
    std::set<std::pair<Slot, consensus::EvidenceKind>>& known = evidence_[evidence->voter.value];
    const std::pair name{evidence->slot(), evidence->kind};
    if (known.contains(name) || known.size() >= evidence_per_validator_max) {
        return;
    }
    if (!consensus::verify_evidence(
            *evidence, [this](auto... statement) { return intake_.is_signed(statement...); })) {
        ++counts_.evidence_refused;
        return;
    }
    known.insert(name);
    ++counts_.evidence;
    log_.warning("evidence", "{} contradicts itself at slot {}",
                 options_.roster.validators[evidence->voter.value].name, name.first.value);
    keep_proof({.name = {.slot = name.first,
                         .kind = proof_kind(evidence->kind),
                         .about = evidence->voter.value},
                .bytes = bytes_of(bytes)});
    dataplane::write_evidence(prefix_, bytes, vote_bytes_);
    for (std::size_t i = 0; i < options_.roster.validators.size(); ++i) {
        if (i != options_.roster.me) {
            send_to(i, vote_bytes_);
        }
    }
}

} // namespace belfry::node
