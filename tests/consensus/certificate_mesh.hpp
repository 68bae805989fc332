// SPDX-License-Identifier: Apache-2.0
#pragma once
// certificate_mesh.hpp: n certificate gadgets, alone or with Tower, a random asynchronous network
// between them, and liars. For tests.
// Shapes   the last validators of the roster are the liars: one machine with no gadget that leads
//          with several blocks a slot and says anything to anybody. The others are honest, and may
//          crash and come back with what was synced.
// Rule     one seed decides everything, or one list of choices.
// Model    until heal() messages take long, or are lost; blocks come late but come. After it every
//          message arrives within a delay bound.
// Oracle   outside of the machines: what each honest one ever sent, what each has heard, and which
//          blocks exist. violations() names what must never be.

#include "consensus/certificate/gadget.hpp"
#include "consensus/certified_tower.hpp"
#include "tests/base/choices.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace belfry::consensus::testing {

inline constexpr std::uint64_t mesh_slot_ms = 600;

struct MeshOptions {
    std::uint64_t seed = 1;
    std::size_t count = 4;
    std::size_t liars = 1;
    std::uint64_t loss_percent = 20;
    std::uint64_t delay_max_ms = 2'500; // before heal()
    bool crashes = true;
    bool liars_go_on = true;    // after heal()
    bool with_tower = false;    // whole engines; else gadgets alone
    Choices* choices = nullptr; // draws come from there instead; must outlive the mesh
    GadgetDefects defects{};
};

/// Not cryptography: anyone can make one. Tests trust the mesh to make only right ones.
[[nodiscard]] Signature test_signature(ValidatorIndex voter, StatementKind kind, ByteView body);
[[nodiscard]] bool test_check(ValidatorIndex voter, StatementKind kind, ByteView body,
                              const Signature& signature);

class Mesh {
public:
    explicit Mesh(const MeshOptions& options);
    /// Everything before the slot begins.
    void run_to(std::uint64_t slot);
    void heal();
    [[nodiscard]] const std::set<std::string>& violations() const { return violations_; }
    /// Lowest slot that all honest machines have final.
    [[nodiscard]] std::uint64_t finalized() const;
    [[nodiscard]] std::uint64_t certificates_stored() const { return stored_count_; }
    [[nodiscard]] std::uint64_t evidence_told() const { return evidence_count_; }

private:
    struct Message {
        ValidatorIndex from;
        StatementKind kind;
        Bytes body;
        Signature signature;
    };
    struct Machine {
        std::unique_ptr<JournalCounter> counter;
        std::unique_ptr<CertificateGadget> alone; // one of the two; none while it is down
        std::unique_ptr<CertifiedTower> engine;
        [[nodiscard]] bool up() const { return alone || engine; }
        [[nodiscard]] const CertificateGadget& gadget() const
        {
            return engine ? engine->gadget() : *alone;
        }
        std::uint64_t life = 0;
        std::vector<Bytes> journal;
        std::size_t synced = 0;
        std::vector<std::pair<JournalSequence, Message>> held;
        std::vector<Build> builds;
        std::vector<Hash> blocks; // in the order given
        std::set<Hash> has;
        std::set<Hash> waiting;
        BlockName finalized;
        std::uint64_t alarm = 0;
        std::map<std::pair<std::uint64_t, Hash>, std::set<std::uint16_t>> heard_notarize;
        std::map<std::uint64_t, std::set<std::uint16_t>> heard_skip;
        std::map<std::uint64_t, std::set<std::uint16_t>> heard_finalize;
        std::set<std::pair<int, std::uint64_t>> seen; // certificates looked at
    };
    struct SlotBegins {
        std::uint64_t slot;
    };
    struct Deliver {
        Message message;
    };
    struct GiveBlock {
        Hash id;
    };
    struct Synced {
        std::size_t upto;
        std::uint64_t life;
    };
    struct Alarm {
        std::uint64_t number;
        std::uint64_t life;
    };
    struct Crash {};
    struct Restart {};
    using What = std::variant<SlotBegins, Deliver, GiveBlock, Synced, Alarm, Crash, Restart>;
    struct Event {
        std::uint64_t at_ms;
        std::uint64_t order;
        std::size_t machine;
        What what;
    };
    struct Block {
        BlockName name;
        BlockName parent;
    };

    void on(std::size_t m, const SlotBegins& event);
    void on(std::size_t m, const Deliver& event);
    void on(std::size_t m, const GiveBlock& event);
    void on(std::size_t m, const Synced& event);
    void on(std::size_t m, const Alarm& event);
    void on(std::size_t m, const Crash& event);
    void on(std::size_t m, const Restart& event);

    void start(std::size_t m);
    void restore(std::size_t m);
    void feed(std::size_t m, const Input& input);
    void build_on(std::size_t m, std::uint64_t slot, const BlockName& parent);
    void give(std::size_t m, const Hash& id);
    void perform(std::size_t m);
    void release(std::size_t m);
    void send(std::size_t m, const Message& message);
    void hear(std::size_t m, const Message& message);
    void note(std::size_t m, StatementKind kind, ByteView body);
    void note_journal(std::size_t m, std::size_t from);
    void build(std::size_t m, std::uint64_t slot);
    void lie(std::uint64_t slot);
    void spread(const Hash& id, std::size_t from);
    Hash new_block(std::uint64_t slot, const BlockName& parent);
    void look(std::size_t m);
    void look_at_finalized(std::size_t m);
    void look_at_statement(std::size_t m, const Statement& statement);
    void look_at_effect(const Effect& effect);
    void schedule(std::uint64_t in_ms, std::size_t m, const What& what);
    [[nodiscard]] std::uint64_t draw(std::uint64_t bound);
    [[nodiscard]] bool chance(std::uint64_t percent) { return draw(100) < percent; }
    [[nodiscard]] std::uint64_t delay();
    [[nodiscard]] std::size_t honest() const { return options_.count - options_.liars; }
    [[nodiscard]] std::size_t leader(std::uint64_t slot) const { return slot / 4 % options_.count; }
    [[nodiscard]] bool quorum(std::size_t voters) const { return voters * 3 > options_.count * 2; }
    [[nodiscard]] Tick tick() const { return Tick{now_ms_ * 1'000'000}; }

    MeshOptions options_;
    std::uint64_t random_;
    bool healed_ = false;
    std::uint64_t now_ms_ = 0;
    std::uint64_t order_ = 0;
    std::vector<Event> events_; // a heap, earliest first
    std::vector<Machine> machines_;
    Effects effects_;
    std::map<Hash, Block> blocks_;
    std::map<std::uint64_t, std::vector<Hash>> by_slot_;
    std::uint64_t block_count_ = 0;

    struct Said {
        std::map<std::uint64_t, Hash> notarized;
        std::set<std::uint64_t> skipped;
        std::set<std::uint64_t> finalized;
    };
    std::vector<Said> said_; // by honest validator, over all its lives
    std::map<std::uint64_t, Hash> notarized_;
    std::set<std::uint64_t> skip_certified_;
    std::set<std::uint64_t> final_certified_;
    BlockName final_top_;
    std::set<std::string> violations_;
    std::uint64_t stored_count_ = 0;
    std::uint64_t evidence_count_ = 0;
};

} // namespace belfry::consensus::testing
