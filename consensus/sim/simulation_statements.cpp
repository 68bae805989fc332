// SPDX-License-Identifier: Apache-2.0
// Statements on their way between the machines of a simulation, true ones and false ones.
#include "base/check.hpp"
#include "consensus/certificate/certificate.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/certificate/vote_bundle.hpp"
#include "consensus/evidence.hpp"
#include "consensus/sim/simulation.hpp"
#include "consensus/tower/tower_vote.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace belfry::consensus::sim {

namespace {

constexpr std::size_t envelope_bytes = 1 + 2; // kind, validator
constexpr std::size_t said_max = 64;

/// Not a signature, but different for every validator, kind and body, and made by nobody else here.
Signature signature_of(ValidatorIndex from, StatementKind kind, ByteView body)
{
    std::uint64_t state =
        0xCBF29CE484222325 ^ (std::uint64_t{from.value} << 8) ^ static_cast<std::uint64_t>(kind);
    for (const std::uint8_t byte : body) {
        state = (state ^ byte) * 0x100000001B3;
    }
    Random random(state);
    Signature signature;
    for (std::size_t i = 0; i < signature.bytes.size(); i += 8) {
        const std::uint64_t word = random.next();
        for (std::size_t k = 0; k < 8; ++k) {
            signature.bytes[i + k] = static_cast<std::uint8_t>(word >> (8 * k));
        }
    }
    return signature;
}

} // namespace

// ---- Messages -----------------------------------------------------------------------------------

Simulation::MessageNumber Simulation::new_message()
{
    if (free_messages_.empty()) {
        messages_.emplace_back();
        free_messages_.push_back(static_cast<MessageNumber>(messages_.size() - 1));
    }
    const MessageNumber number = free_messages_.back();
    free_messages_.pop_back();
    messages_[number].uses = 1;
    messages_[number].from = ValidatorIndex{UINT16_MAX};
    messages_[number].body.clear();
    messages_[number].voted = 0;
    messages_[number].parts.clear();
    return number;
}

Simulation::MessageNumber Simulation::sign(ValidatorIndex from, StatementKind kind, ByteView body)
{
    const MessageNumber number = new_message();
    Message& message = messages_[number];
    message.from = from;
    message.kind = kind;
    message.body.assign(body.begin(), body.end());
    message.signature = signature_of(from, kind, body);
    if (kind == StatementKind::tower_vote) {
        const auto vote = decode_tower_vote(body);
        message.voted = vote ? world_.find(vote->block()).value_or(0) : 0;
    }
    return number;
}

void Simulation::unuse(MessageNumber number)
{
    Message& message = messages_[number];
    BELFRY_CHECK(message.uses > 0);
    --message.uses;
    if (message.uses > 0) {
        return;
    }
    free_messages_.push_back(number);
}

// ---- From one machine to others -----------------------------------------------------------------

void Simulation::say(std::size_t i, MessageNumber message)
{
    Machine& machine = machines_[i];
    if (machine.newest) {
        unuse(*machine.newest);
    }
    machine.newest = message;
    ++messages_[message].uses;
    if (messages_[message].kind != StatementKind::tower_vote) {
        ++messages_[message].uses; // the engine learns its own signature
        schedule(0, i, EventKind::statement, message);
    }
    if (machine.votes_withheld) {
        machine.withheld.push_back(message);
    } else if (machine.roles.any()) {
        say_falsely(i, message);
    } else {
        broadcast(i, message);
        unuse(message);
    }
}

void Simulation::broadcast(std::size_t i, MessageNumber message)
{
    for (std::size_t to = 0; to < machines_.size(); ++to) {
        send_to({.from = i, .to = to}, message, EventKind::statement);
    }
}

void Simulation::send_to(const Network::Link& link, MessageNumber message, EventKind kind)
{
    if (machines_[link.to].validator == machines_[link.from].validator) {
        return; // a machine does not hear its own key: that would stop it
    }
    const Network::Fate fate = network_.send(link, Payload::statement, calendar_.now(), random_);
    Message& sent = messages_[message];
    if (fate.held && fate.copies > 0) {
        ++sent.uses;
        kept_.push_back({.link = link, .kind = kind, .subject = message});
        return;
    }
    for (unsigned copy = 0; copy < fate.copies; ++copy) {
        ++sent.uses;
        schedule(fate.in_ms[copy], link.to, kind, message);
    }
}

void Simulation::on_statement(std::size_t i, MessageNumber number)
{
    Machine& machine = machines_[i];
    const Message& message = messages_[number];
    if (message.from != machine.validator) { // else it is the engine's own, given back
        ++measures_.statements_received;
        measures_.statement_bytes +=
            message.body.size() + envelope_bytes + (message.parts.empty() ? 64 : 0);
    }
    if (machine.engine && message.parts.empty()) {
        if (message.voted != 0) {
            checker_.vote_heard(i, message.from, message.voted);
        }
        feed(i, VoteMessage{.from = message.from,
                            .body = message.body,
                            .kind = message.kind,
                            .signature = message.signature});
    }
    for (std::size_t k = 0; machine.engine && k < messages_[number].parts.size(); ++k) {
        const Part& part = messages_[number].parts[k]; // stays put when messages_ grows
        if (part.from == machine.validator && !checker_.honest(i)) {
            continue; // maybe its twin's
        }
        feed(i, VoteMessage{.from = part.from,
                            .body = part.body.view(),
                            .kind = part.kind,
                            .signature = part.signature});
    }
    unuse(number);
}

namespace {

bool is_signature(ValidatorIndex voter, StatementKind kind, ByteView body,
                  const Signature& signature)
{
    return signature == signature_of(voter, kind, body);
}

} // namespace

void Simulation::perform(std::size_t i, const Certified& certified)
{
    trace(certified.slot.value << 8 | static_cast<std::uint64_t>(certified.kind));
    if (certified.slot.value % machines_.size() != i) {
        return; // each slot's at one machine
    }
    const auto decoded = decode_certificate(certified.certificate);
    if (!decoded || !verify_certificate(*decoded, stakes_, is_signature)) {
        checker_.broken(fmt::format("C-S6 node {} stores for slot {} what is no certificate", i,
                                    certified.slot.value));
    }
}

void Simulation::perform(std::size_t i, const Expose& expose)
{
    ++accusation_count_;
    trace_line(i, fmt::format("expose {}", expose.who.value));
    const auto decoded = decode_evidence(expose.evidence);
    if (!decoded || decoded->voter != expose.who || !verify_evidence(*decoded, is_signature)) {
        checker_.broken(
            fmt::format("EV node {} tells of {} what proves nothing", i, expose.who.value));
    }
    if (checker_.honest(i)) {
        checker_.accused(expose.who);
    }
}

std::optional<Simulation::MessageNumber> Simulation::bundle_of(std::size_t i, ByteView body)
{
    for (const std::optional<MessageNumber>& known : newest_bundles_) {
        if (known && std::ranges::equal(messages_[*known].body, body)) {
            ++messages_[*known].uses;
            return known;
        }
    }
    const auto bundle = decode_vote_bundle(body);
    if (!bundle) {
        checker_.broken(fmt::format("node {} relays what is no bundle", i));
        return std::nullopt;
    }
    const MessageNumber number = new_message();
    Message& message = messages_[number];
    message.body.assign(body.begin(), body.end());
    for (const SignedStatement& vote : bundle->votes()) {
        const Statement& said = vote.statement;
        const StatementBody part = encode_statement(said);
        const Signature signature = signature_of(said.voter, said.kind, part.view());
        if (vote.signature != signature) {
            checker_.broken(fmt::format("node {} relays a statement that {} never signed", i,
                                        said.voter.value));
        }
        message.parts.push_back(
            {.from = said.voter, .kind = said.kind, .body = part, .signature = signature});
    }
    std::optional<MessageNumber>& oldest = newest_bundles_[next_bundle_];
    next_bundle_ = (next_bundle_ + 1) % newest_bundles_.size();
    if (oldest) {
        unuse(*oldest);
    }
    oldest = number;
    ++message.uses;
    return number;
}

void Simulation::perform(std::size_t i, const Relay& relay)
{
    const std::optional<MessageNumber> number = bundle_of(i, relay.body);
    if (!number) {
        return;
    }
    const Roles& roles = machines_[i].roles;
    const bool keeps_it = roles.silent || roles.selective || machines_[i].votes_withheld;
    for (std::size_t to = 0; !keeps_it && to < machines_.size(); ++to) {
        if (!relay.to || machines_[to].validator == *relay.to) {
            send_to({.from = i, .to = to}, *number, EventKind::bundle);
        }
    }
    unuse(*number);
}

void Simulation::withhold_votes(std::size_t i, bool withheld)
{
    Machine& machine = machines_[i];
    machine.votes_withheld = withheld;
    if (!withheld) {
        for (const MessageNumber message : std::exchange(machine.withheld, {})) {
            broadcast(i, message);
            unuse(message);
        }
    }
}

void Simulation::repent(std::size_t i)
{
    Machine& machine = machines_[i];
    machine.roles = Roles{};
    for (std::size_t to = 0; machine.newest && to < machines_.size(); ++to) {
        if (machines_[to].validator != machine.validator) {
            ++messages_[*machine.newest].uses;
            schedule(1, to, EventKind::statement, *machine.newest);
        }
    }
}

void Simulation::hold(const Network::Link& link, Payload payload, bool held)
{
    network_.hold(link, payload, held);
    if (held) {
        return;
    }
    const auto of_link = [&](const Kept& kept) {
        const bool is_block = kept.kind == EventKind::block;
        return kept.link.from == link.from && kept.link.to == link.to &&
               is_block == (payload == Payload::block);
    };
    for (const Kept& kept : kept_) {
        if (of_link(kept)) {
            schedule(network_.delay(link, random_), link.to, kept.kind, kept.subject);
        }
    }
    std::erase_if(kept_, of_link);
}

// ---- Lies ---------------------------------------------------------------------------------------

std::optional<Simulation::MessageNumber> Simulation::contrary(MessageNumber number)
{
    const Message& said = messages_[number];
    if (said.kind != StatementKind::tower_vote) {
        return contrary_statement(number);
    }
    const auto vote = decode_tower_vote(said.body);
    BELFRY_CHECK(vote.has_value());
    const std::optional<BlockNumber> voted = world_.find(vote->block());
    // Any block near that slot and on another fork.
    std::vector<BlockNumber> others;
    const std::uint64_t slot = vote->block().slot.value;
    for (std::uint64_t near = slot > 4 ? slot - 4 : 1; near <= slot; ++near) {
        for (const BlockNumber block : world_.versions(Slot{near})) {
            if (voted && !world_.descends(*voted, block)) {
                others.push_back(block);
            }
        }
    }
    if (others.empty()) {
        return std::nullopt;
    }
    const BlockName other = world_.get(others[random_.below(others.size())]).name;
    const Lockout only{.slot = other.slot, .confirmations = 1};
    Bytes body;
    encode_tower_vote({.voter = said.from,
                       .tower = Tower(Slot{0}, {&only, 1}),
                       .block_id = other.id,
                       .state_hash = vote->state_hash},
                      body);
    return sign(said.from, StatementKind::tower_vote, body);
}

std::optional<Simulation::MessageNumber> Simulation::contrary_statement(MessageNumber number)
{
    const ValidatorIndex from = messages_[number].from;
    const auto said = decode_statement(messages_[number].kind, messages_[number].body);
    BELFRY_CHECK(said.has_value());
    std::vector<BlockNumber> others;
    for (const BlockNumber block : world_.versions(said->first)) {
        if (world_.get(block).name.id != said->id) {
            others.push_back(block);
        }
    }
    Statement opposite = Statement::skip(from, {.first = said->first, .last = said->first});
    if (!others.empty() && (said->kind != StatementKind::finalize || random_.chance(50))) {
        opposite = Statement::notarize(from, world_.get(others[random_.below(others.size())]).name);
    } else if (said->kind == StatementKind::skip) {
        opposite = Statement::finalize(from, said->first);
    }
    return sign(from, opposite.kind, encode_statement(opposite).view());
}

void Simulation::say_falsely(std::size_t i, MessageNumber message)
{
    Machine& machine = machines_[i];
    const Roles& roles = machine.roles;
    if (roles.silent) {
        unuse(message);
        return;
    }
    machine.said.push_back(message);
    if (machine.said.size() > said_max) {
        unuse(machine.said.front());
        machine.said.erase(machine.said.begin());
    }
    ++messages_[message].uses; // said keeps the first
    std::vector<MessageNumber> now{message};
    if (roles.withholds) {
        machine.withheld.push_back(message);
        now =
            random_.chance(10) ? std::exchange(machine.withheld, {}) : std::vector<MessageNumber>{};
    }
    if (roles.stale && random_.chance(40)) {
        now.push_back(machine.said[random_.below(machine.said.size())]);
        ++messages_[now.back()].uses;
    }
    for (const MessageNumber one : now) {
        const std::optional<MessageNumber> opposite =
            roles.votes_twice ? contrary(one) : std::nullopt;
        if (opposite) {
            checker_.statement_counted(i, messages_[*opposite].kind, messages_[*opposite].body);
        }
        for (std::size_t to = 0; to < machines_.size(); ++to) {
            const Network::Link link{.from = i, .to = to};
            const bool told = !roles.selective || random_.chance(50);
            if (told) {
                send_to(link, opposite && random_.chance(50) ? *opposite : one,
                        EventKind::statement);
            }
        }
        if (opposite) {
            unuse(*opposite);
        }
        unuse(one);
    }
}

} // namespace belfry::consensus::sim
