// SPDX-License-Identifier: Apache-2.0
#include "tests/consensus/certificate_mesh.hpp"

#include "base/check.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "consensus/evidence.hpp"

#include <algorithm>

namespace belfry::consensus::testing {

namespace {
constexpr std::uint64_t fast_delay_ms = 150;

bool later(const auto& one, const auto& other)
{
    return one.at_ms != other.at_ms ? one.at_ms > other.at_ms : one.order > other.order;
}
} // namespace

Signature test_signature(ValidatorIndex voter, StatementKind kind, ByteView body)
{
    Signature signature;
    std::uint64_t print =
        0xCBF29CE484222325 ^ (std::uint64_t{voter.value} << 8) ^ static_cast<std::uint64_t>(kind);
    for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
        for (const std::uint8_t byte : body) {
            print = (print ^ byte) * 0x100000001B3;
        }
        signature.bytes[i] = static_cast<std::uint8_t>(print >> 32);
    }
    return signature;
}

bool test_check(ValidatorIndex voter, StatementKind kind, ByteView body, const Signature& signature)
{
    return signature == test_signature(voter, kind, body);
}

Mesh::Mesh(const MeshOptions& options)
    : options_(options)
    , random_(options.seed * 0x9E3779B97F4A7C15)
    , machines_(options.count - options.liars)
    , said_(options.count - options.liars)
{
    for (std::size_t m = 0; m < honest(); ++m) {
        start(m);
    }
    for (std::size_t m = 0; m <= honest(); ++m) { // the one above the honest is the liars' clock
        schedule(mesh_slot_ms, m, SlotBegins{.slot = 1});
    }
}

std::uint64_t Mesh::draw(std::uint64_t bound)
{
    if (options_.choices != nullptr && options_.choices->more()) {
        return options_.choices->up_to(bound - 1);
    } // used up: the seed goes on, or every delay would be the shortest
    random_ += 0x9E3779B97F4A7C15;
    std::uint64_t mixed = random_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return (mixed ^ (mixed >> 31)) % bound;
}

std::uint64_t Mesh::delay()
{
    if (healed_) {
        return 10 + draw(fast_delay_ms);
    }
    // Most are quick, or nothing would ever be certified; some come when nobody waits any more.
    return chance(70) ? 10 + draw(fast_delay_ms) : 10 + draw(options_.delay_max_ms);
}

void Mesh::schedule(std::uint64_t in_ms, std::size_t m, const What& what)
{
    events_.push_back({.at_ms = now_ms_ + in_ms, .order = order_++, .machine = m, .what = what});
    std::ranges::push_heap(events_, later<Event, Event>);
}

void Mesh::run_to(std::uint64_t slot)
{
    while (!events_.empty() && events_.front().at_ms < slot * mesh_slot_ms) {
        std::ranges::pop_heap(events_, later<Event, Event>);
        const Event event = std::move(events_.back());
        events_.pop_back();
        now_ms_ = event.at_ms;
        std::visit([&](const auto& what) { on(event.machine, what); }, event.what);
    }
}

void Mesh::heal()
{
    healed_ = true;
    for (std::size_t m = 0; m < honest(); ++m) {
        if (!machines_[m].up()) {
            start(m);
        }
    }
}

std::uint64_t Mesh::finalized() const
{
    std::uint64_t lowest = UINT64_MAX;
    for (const Machine& machine : machines_) {
        lowest = std::min(lowest, machine.finalized.slot.value);
    }
    return lowest;
}

// ---- Machines -----------------------------------------------------------------------------------

void Mesh::start(std::size_t m)
{
    Machine& machine = machines_[m];
    ++machine.life;
    machine.journal.resize(machine.synced);
    machine.held.clear();
    machine.heard_notarize.clear();
    machine.heard_skip.clear();
    machine.heard_finalize.clear();
    machine.seen.clear();
    machine.builds.clear();
    restore(m);
    note_journal(m, 0);
    const std::vector<Stake> stakes(options_.count, Stake{1});
    std::vector<ValidatorIndex> schedule;
    for (std::uint64_t window = 0; window < 256; ++window) {
        schedule.push_back(ValidatorIndex{static_cast<std::uint16_t>(leader(window * 4))});
    }
    feed(m, EpochInfo{.number = {}, .first_slot = {}, .stakes = stakes, .schedule = schedule});
    const std::vector<Hash> blocks = std::move(machine.blocks);
    machine.blocks.clear();
    machine.has.clear();
    for (const Hash& id : blocks) {
        give(m, id);
    }
}

void Mesh::restore(std::size_t m)
{
    Machine& machine = machines_[m];
    const ValidatorIndex self{static_cast<std::uint16_t>(m)};
    if (options_.with_tower) {
        machine.engine = std::make_unique<CertifiedTower>(
            EngineConfig{.tower = {.self = self, .finalized = machine.finalized, .may_sign = true},
                         .gadget_defects = options_.defects});
    } else {
        machine.counter = std::make_unique<JournalCounter>();
        machine.alone =
            std::make_unique<CertificateGadget>(GadgetConfig{.self = self,
                                                             .finalized = machine.finalized,
                                                             .may_sign = true,
                                                             .defects = options_.defects},
                                                *machine.counter);
    }
    for (std::size_t i = 0; i < machine.journal.size(); ++i) {
        const JournalRecord record{.sequence = *JournalSequence::from(i + 1),
                                   .bytes = machine.journal[i]};
        const bool follows = machine.engine || machine.counter->restore(record.sequence);
        const auto restored =
            machine.engine ? machine.engine->restore({&record, 1}) : machine.alone->restore(record);
        if (!follows || !restored) {
            violations_.insert("a journal was refused");
        }
    }
}

void Mesh::feed(std::size_t m, const Input& input)
{
    Machine& machine = machines_[m];
    effects_.clear();
    if (machine.engine) {
        machine.engine->step(tick(), input, effects_);
    } else if (const auto* message = std::get_if<VoteMessage>(&input)) {
        machine.alone->hear(tick(), *message, effects_);
    } else if (const auto* ready = std::get_if<Ready>(&input)) {
        machine.alone->ready(tick(), *ready, effects_);
    } else if (const auto* persisted = std::get_if<Persisted>(&input)) {
        machine.alone->persisted(tick(), persisted->upto, effects_);
    } else if (const auto* epoch = std::get_if<EpochInfo>(&input)) {
        machine.alone->begin_epoch(tick(), *epoch, effects_);
    } else if (const auto* timer = std::get_if<Timer>(&input)) {
        if (timer->kind == TimerKind::slot_tick) {
            machine.alone->tick(tick(), timer->slot, effects_);
        } else {
            machine.alone->wake(tick(), effects_);
        }
    }
    perform(m);
}

void Mesh::on(std::size_t m, const Crash& /*event*/)
{
    Machine& machine = machines_[m];
    if (healed_ || !machine.up()) {
        return;
    }
    // Of what was not synced a random part may have reached the disk all the same.
    machine.synced += draw(machine.journal.size() - machine.synced + 1);
    machine.alone.reset();
    machine.engine.reset();
    ++machine.life;
    schedule(1 + draw(3'000), m, Restart{});
}

void Mesh::on(std::size_t m, const Restart& /*event*/)
{
    if (!machines_[m].up()) {
        start(m);
    }
}

void Mesh::on(std::size_t m, const SlotBegins& event)
{
    schedule(mesh_slot_ms, m, SlotBegins{.slot = event.slot + 1});
    if (m == honest()) {
        if (!healed_ || options_.liars_go_on) {
            lie(event.slot);
        }
        return;
    }
    Machine& machine = machines_[m];
    if (!machine.up()) {
        return;
    }
    feed(m, Timer{.kind = TimerKind::slot_tick, .slot = Slot{event.slot}});
    if (leader(event.slot) == m) {
        build(m, event.slot);
    }
    if (options_.crashes && !healed_ && chance(3)) {
        schedule(draw(mesh_slot_ms), m, Crash{});
    }
}

void Mesh::on(std::size_t m, const Alarm& event)
{
    Machine& machine = machines_[m];
    if (machine.up() && machine.life == event.life && machine.alarm == event.number) {
        feed(m, Timer{.kind = TimerKind::patience, .slot = {}});
    }
}

void Mesh::on(std::size_t m, const Synced& event)
{
    Machine& machine = machines_[m];
    if (!machine.up() || machine.life != event.life || event.upto <= machine.synced) {
        return;
    }
    const std::size_t before = machine.synced;
    machine.synced = event.upto;
    note_journal(m, before);
    release(m);
    feed(m, Persisted{.upto = *JournalSequence::from(event.upto)});
}

void Mesh::on(std::size_t m, const Deliver& event)
{
    if (machines_[m].up()) {
        hear(m, event.message);
    }
}

/// For the oracle: what machine m may count.
void Mesh::note(std::size_t m, StatementKind kind, ByteView body)
{
    if (kind == StatementKind::tower_vote) {
        return;
    }
    Machine& machine = machines_[m];
    const auto statement = decode_statement(kind, body);
    BELFRY_CHECK(statement);
    const std::uint16_t voter = statement->voter.value;
    for (Slot slot = statement->first; slot <= statement->last; slot = slot.next()) {
        if (kind == StatementKind::notarize) {
            machine.heard_notarize[{slot.value, statement->id}].insert(voter);
        } else if (kind == StatementKind::skip) {
            machine.heard_skip[slot.value].insert(voter);
        } else {
            machine.heard_finalize[slot.value].insert(voter);
        }
    }
}

/// What is durable here counts here, before it comes back.
void Mesh::note_journal(std::size_t m, std::size_t from)
{
    const Machine& machine = machines_[m];
    for (std::size_t i = from; i < machine.synced; ++i) {
        const ByteView record{machine.journal[i]};
        if (record[0] < 3 || record[0] > 5) {
            continue; // Tower's
        }
        const auto kind = static_cast<StatementKind>(record[0] - 1);
        const bool final = kind == StatementKind::finalize;
        note(m, kind, final ? record.subspan(1, 10) : record.subspan(1));
        if (!final || record.size() == 11) {
            continue;
        }
        // What it heard in an earlier life, and kept.
        const auto votes = decode_certificate(record.subspan(11));
        BELFRY_CHECK(votes);
        for (const SignedStatement& vote : votes->votes) {
            const StatementBody body = encode_statement(vote.statement);
            const bool true_one = test_check(vote.statement.voter, StatementKind::notarize,
                                             body.view(), vote.signature);
            BELFRY_CHECK(true_one);
            note(m, StatementKind::notarize, body.view());
        }
    }
}

void Mesh::hear(std::size_t m, const Message& message)
{
    note(m, message.kind, message.body);
    feed(m, VoteMessage{.from = message.from,
                        .body = message.body,
                        .kind = message.kind,
                        .signature = message.signature});
}

void Mesh::perform(std::size_t m)
{
    Machine& machine = machines_[m];
    for (const Effect& effect : effects_.list()) {
        if (const auto* persist = std::get_if<Persist>(&effect)) {
            machine.journal.emplace_back(persist->record.begin(), persist->record.end());
            BELFRY_CHECK(persist->sequence.value() == machine.journal.size());
            schedule(1 + draw(healed_ ? 10 : 120), m,
                     Synced{.upto = machine.journal.size(), .life = machine.life});
        } else if (const auto* sent = std::get_if<Send>(&effect)) {
            const ValidatorIndex self{static_cast<std::uint16_t>(m)};
            machine.held.emplace_back(
                sent->after, Message{.from = self,
                                     .kind = sent->kind,
                                     .body = {sent->body.begin(), sent->body.end()},
                                     .signature = test_signature(self, sent->kind, sent->body)});
        } else if (const auto* build = std::get_if<Build>(&effect)) {
            machine.builds.push_back(*build);
        } else if (const auto* arm = std::get_if<Arm>(&effect)) {
            const std::uint64_t at_ms = std::max((arm->at.value + 999'999) / 1'000'000, now_ms_);
            schedule(at_ms - now_ms_, m, Alarm{.number = ++machine.alarm, .life = machine.life});
        } else if (const auto* relay = std::get_if<Relay>(&effect)) {
            BELFRY_CHECK(relay->body.size() <= vote_bundle_bytes_max);
            const auto bundle = decode_vote_bundle(relay->body);
            BELFRY_CHECK(bundle);
            for (const SignedStatement& vote : bundle->votes()) {
                const StatementBody body = encode_statement(vote.statement);
                const Message message{.from = vote.statement.voter,
                                      .kind = vote.statement.kind,
                                      .body = {body.view().begin(), body.view().end()},
                                      .signature = vote.signature};
                for (std::size_t to = 0; to < honest(); ++to) {
                    const bool meant = !relay->to || relay->to->value == to;
                    if (meant && to != m && (healed_ || !chance(options_.loss_percent))) {
                        schedule(delay(), to, Deliver{message});
                    }
                }
            }
        } else {
            look_at_effect(effect);
        }
    }
    release(m);
    look(m);
}

void Mesh::release(std::size_t m)
{
    Machine& machine = machines_[m];
    std::vector<std::pair<JournalSequence, Message>> waiting;
    std::vector<std::pair<JournalSequence, Message>> held;
    std::swap(held, machine.held);
    for (const auto& [after, message] : held) {
        if (after.value() <= machine.synced) {
            send(m, message);
        } else {
            waiting.emplace_back(after, message);
        }
    }
    machine.held.insert(machine.held.end(), waiting.begin(), waiting.end());
    std::erase_if(machine.builds, [&](const Build& build) {
        const bool allowed = build.after.value() <= machine.synced;
        if (allowed) {
            build_on(m, build.slot.value, build.parent);
        }
        return allowed;
    });
}

void Mesh::send(std::size_t m, const Message& message)
{
    if (message.kind != StatementKind::tower_vote) {
        look_at_statement(m, *decode_statement(message.kind, message.body));
    }
    schedule(0, m, Deliver{message}); // its own signature
    for (std::size_t to = 0; to < honest(); ++to) {
        if (to != m && (healed_ || !chance(options_.loss_percent))) {
            schedule(delay(), to, Deliver{message});
        }
    }
}

// ---- Blocks -------------------------------------------------------------------------------------

Hash Mesh::new_block(std::uint64_t slot, const BlockName& parent)
{
    Hash id;
    ++block_count_;
    for (unsigned i = 0; i < 8; ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(block_count_ >> (8 * i));
        id.bytes[8 + i] = static_cast<std::uint8_t>(draw(256));
    }
    blocks_[id] = {.name = {.slot = Slot{slot}, .id = id}, .parent = parent};
    by_slot_[slot].push_back(id);
    return id;
}

void Mesh::build(std::size_t m, std::uint64_t slot)
{
    const Machine& machine = machines_[m];
    if (machine.engine) {
        feed(m, Timer{.kind = TimerKind::build, .slot = Slot{slot}});
        return;
    }
    // The newest block above the base, as a stand-in for Tower's best leaf.
    BlockName parent = machine.gadget().base();
    std::set<Hash> above{parent.id};
    for (const Hash& id : machine.blocks) {
        const Block& block = blocks_.at(id);
        if (above.contains(block.parent.id)) {
            above.insert(id);
            if (block.name.slot > parent.slot && block.name.slot < Slot{slot}) {
                parent = block.name;
            }
        }
    }
    build_on(m, slot, machine.gadget().parent_for(tick(), Slot{slot}, parent));
}

void Mesh::build_on(std::size_t m, std::uint64_t slot, const BlockName& parent)
{
    const Hash id = new_block(slot, parent);
    schedule(0, m, GiveBlock{id});
    spread(id, m);
}

void Mesh::spread(const Hash& id, std::size_t from)
{
    for (std::size_t to = 0; to < honest(); ++to) {
        if (to != from) {
            schedule(mesh_slot_ms / 2 + delay(), to, GiveBlock{id});
        }
    }
}

void Mesh::on(std::size_t m, const GiveBlock& event)
{
    Machine& machine = machines_[m];
    if (!machine.up()) {
        schedule(200, m, event); // repair
        return;
    }
    if (machine.has.contains(event.id)) {
        return;
    }
    machine.waiting.insert(event.id);
    bool gave = true;
    while (gave) {
        gave = false;
        for (const Hash& id : std::set<Hash>(machine.waiting)) {
            const Block& block = blocks_.at(id);
            if (block.parent == BlockName{} || machine.has.contains(block.parent.id)) {
                machine.waiting.erase(id);
                give(m, id);
                gave = true;
            } else {
                schedule(delay(), m, GiveBlock{block.parent.id}); // repair
            }
        }
    }
}

void Mesh::give(std::size_t m, const Hash& id)
{
    Machine& machine = machines_[m];
    if (!machine.has.insert(id).second) {
        return;
    }
    machine.blocks.push_back(id);
    const Block& block = blocks_.at(id);
    feed(m, Ready{.block = block.name,
                  .parent = block.parent,
                  .validity = Validity::valid,
                  .state_hash = {},
                  .author =
                      ValidatorIndex{static_cast<std::uint16_t>(leader(block.name.slot.value))}});
}

// ---- Liars --------------------------------------------------------------------------------------

void Mesh::lie(std::uint64_t slot)
{
    if (options_.liars == 0) {
        return;
    }
    if (leader(slot) >= honest()) {
        const std::uint64_t versions = draw(4);
        for (std::uint64_t i = 0; i < versions; ++i) {
            // On any block of the last slots, or genesis.
            BlockName parent;
            for (std::uint64_t back = 1 + draw(6); back < 12 && back < slot; ++back) {
                const auto found = by_slot_.find(slot - back);
                if (found != by_slot_.end()) {
                    const auto& choices = found->second;
                    parent = blocks_.at(choices[draw(choices.size())]).name;
                    break;
                }
            }
            const Hash id = new_block(slot, parent);
            spread(id, honest());
        }
    }
    // Each liar tells each honest one, some time, something about each of the last slots.
    const auto tell = [&](std::size_t to, const Statement& statement) {
        const StatementBody body = encode_statement(statement);
        schedule(
            draw(options_.delay_max_ms), to,
            Deliver{{.from = statement.voter,
                     .kind = statement.kind,
                     .body = {body.view().begin(), body.view().end()},
                     .signature = test_signature(statement.voter, statement.kind, body.view())}});
    };
    for (std::size_t liar = honest(); liar < options_.count; ++liar) {
        const ValidatorIndex voter{static_cast<std::uint16_t>(liar)};
        for (std::size_t to = 0; to < honest(); ++to) {
            for (std::uint64_t about = slot > 3 ? slot - 3 : 1; about <= slot; ++about) {
                const auto found = by_slot_.find(about);
                for (std::size_t i = 0; found != by_slot_.end() && i < found->second.size(); ++i) {
                    if (chance(40)) {
                        tell(to, Statement::notarize(
                                     voter, {.slot = Slot{about}, .id = found->second[i]}));
                    }
                }
                if (chance(25)) {
                    tell(to, Statement::skip(voter, {.first = Slot{about}, .last = Slot{about}}));
                }
                if (chance(40)) {
                    tell(to, Statement::finalize(voter, Slot{about}));
                }
            }
        }
    }
}

} // namespace belfry::consensus::testing
