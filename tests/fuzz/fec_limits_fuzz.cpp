// SPDX-License-Identifier: Apache-2.0
// fec_limits_fuzz: shreds of many versions of a few slots into a resolver and an assembler that
// have room for hardly any of them, while wants, windows and finality move: nothing grows beyond
// its limit, what completes is what a leader made, and what was evicted can come again. Input
// choices: the step, and which of the blocks it is about.
#include "base/check.hpp"
#include "dataplane/fec/block_assembler.hpp"
#include "tests/base/choices.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <map>
#include <utility>

namespace {

using namespace belfry;            // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane; // NOLINT(google-build-using-namespace)

constexpr std::uint64_t first_slot = 9;
constexpr std::size_t slot_count = 4;
constexpr std::size_t version_count = 3;
constexpr std::size_t sets_held = 3; // for so many there is room

struct Sample {
    crypto::Keypair leader = samples::keypair(1);
    std::vector<samples::SampleBlock> blocks;
    std::map<Hash, const SetOut*> sets; // by root
    Sample()
    {
        samples::Random random(11);
        const Bytes begin = samples::random_bytes(random, set_stream_bytes_max);
        for (std::size_t i = 0; i < slot_count * version_count; ++i) {
            const std::size_t version = i % version_count;
            Bytes stream = begin; // versions of a slot begin with the same set, if of one parent
            const Bytes rest = samples::random_bytes(random, 900 + version * set_stream_bytes_max);
            stream.insert(stream.end(), rest.begin(), rest.end());
            const std::size_t slot = i / version_count;
            const bool from_genesis = slot == 0 || version == 2;
            const ledger::BlockRef parent = from_genesis
                                                ? samples::genesis_block()
                                                : blocks[(slot - 1) * version_count + version].ref;
            blocks.push_back(samples::make_block(leader, Slot{first_slot + slot}, parent, stream));
        }
        for (const samples::SampleBlock& block : blocks) {
            for (const SetOut& set : block.sets) {
                sets.emplace(set.set.root, &set);
            }
        }
    }
};

const Sample& sample()
{
    static const Sample only;
    return only;
}

class Crowded {
public:
    explicit Crowded(Choices choices)
        : choices_(choices)
        , resolver_(limits())
        , assembler_({.bytes_max = sets_held * set_stream_bytes_max + 4096,
                      .wanted_max = 2,
                      .blocks_max = 3})
    {
        resolver_.set_window(Slot{0}, Slot{first_slot});
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void step()
    {
        const std::uint64_t what = choices_();
        if (what < 160) {
            shreds();
        } else if (what < 200) {
            move_resolver();
        } else {
            move_assembler();
        }
        BELFRY_CHECK(resolver_.open_bytes() <= resolver_bytes_max);
        BELFRY_CHECK(assembler_.held_bytes() <= sets_held * set_stream_bytes_max + 4096);
        BELFRY_CHECK(assembler_.wanted().size() <= 2);
        for (const SetKey& key : assembler_.take_evicted()) {
            BELFRY_CHECK(assembler_.find(key) == nullptr);
            resolver_.forget(key);
            BELFRY_CHECK(!resolver_.completed(key));
        }
        for (const OpenSet& open : resolver_.open_sets()) {
            BELFRY_CHECK(resolver_.open_set(open.key).has_value());
            BELFRY_CHECK(!resolver_.completed(open.key) && !resolver_.malformed(open.key));
        }
    }

private:
    static constexpr std::size_t resolver_bytes_max = 100'000; // three open sets
    static FecResolver::Options limits()
    {
        FecResolver::Options made = samples::resolver_options(sample().leader.pubkey());
        made.leader_of = [key = sample().leader.pubkey()](Slot slot) {
            return slot.value == first_slot + slot_count - 1 ? std::nullopt : std::optional{key};
        };
        made.open_bytes_max = resolver_bytes_max;
        made.versions_max = 2;
        made.records_max = 2;
        made.wanted_max = 2;
        made.slots_ahead_max = 1;
        return made;
    }
    const samples::SampleBlock& some_block()
    {
        return sample().blocks[choices_() % sample().blocks.size()];
    }
    static SetKey key_of_set(const SetOut& set)
    {
        return {set.set.slot, set.set.index, set.set.root};
    }
    void shreds()
    {
        const samples::SampleBlock& block = some_block();
        const SetOut& set = block.sets[choices_() % block.sets.size()];
        const std::size_t begin = choices_() % set.datagrams.count();
        const std::size_t count = choices_() % 40 + 1;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = (begin + i) % set.datagrams.count();
            const auto accepted = resolver_.accept(set.datagrams.at(at), {});
            if (!accepted) {
                BELFRY_CHECK(accepted.error() != ShredError::malformed_set &&
                             accepted.error() != ShredError::bad_signature);
                continue;
            }
            if (accepted->completed) {
                BELFRY_CHECK(accepted->completed->set == set.set);
                add(accepted->completed->set);
            }
        }
    }
    void add(const ledger::ShredSet& set)
    {
        for (const ledger::Block& block : assembler_.add(set)) {
            const auto last = sample().sets.find(block.ref.id);
            BELFRY_CHECK(last != sample().sets.end() && last->second->set.last);
            const auto meant =
                std::ranges::find(sample().blocks, block.ref, &samples::SampleBlock::ref);
            BELFRY_CHECK(meant != sample().blocks.end() && block.stream == meant->stream &&
                         block.parent == meant->parent);
        }
    }
    void move_resolver()
    {
        const samples::SampleBlock& block = some_block();
        const SetOut& set = block.sets[choices_() % block.sets.size()];
        switch (choices_() % 5) {
        case 0:
            (void)resolver_.want_set(key_of_set(set));
            break;
        case 1:
            (void)resolver_.want_slot(block.ref.slot);
            break;
        case 2:
            resolver_.unwant_slot(block.ref.slot);
            break;
        case 3:
            resolver_.forget(key_of_set(set));
            break;
        case 4:
            local_ = Slot{std::max(local_.value, first_slot + choices_() % slot_count)};
            resolver_.set_window(assembler_.finalized().slot, local_);
            break;
        }
    }
    void move_assembler()
    {
        const samples::SampleBlock& block = some_block();
        switch (choices_() % 7) {
        case 0:
            if (assembler_.want(block.ref)) {
                const bool above = block.ref.slot > assembler_.finalized().slot;
                BELFRY_CHECK(!above || assembler_.is_known(block.ref) ||
                             assembler_.wanted().contains(block.ref));
            }
            break;
        case 1:
            assembler_.unwant(block.ref);
            BELFRY_CHECK(!assembler_.wanted().contains(block.ref));
            break;
        case 2:
            assembler_.note_known(block.ref);
            break;
        case 3:
            if (block.ref.slot > assembler_.finalized().slot && choices_() % 4 == 0) {
                assembler_.set_finalized(block.ref);
                resolver_.set_window(block.ref.slot, local_);
            }
            break;
        case 4:
            look();
            break;
        case 5: // an own set, or one from the store
            add(block.sets[choices_() % block.sets.size()].set);
            break;
        case 6: { // signed by the leader too, and does not fit: never part of a block
            ledger::ShredSet set = block.sets[choices_() % block.sets.size()].set;
            if (set.index > 0) {
                set.parent_slot.value ^= 1;
                set.root.bytes[0] ^= 1;
                add(set);
            }
            break;
        }
        }
    }
    void look()
    {
        const std::vector<Missing> missing = assembler_.missing(Slot{first_slot + 2}, 4);
        BELFRY_CHECK(missing.size() <= 4);
        for (const Missing& one : missing) {
            BELFRY_CHECK(one.key.slot > assembler_.finalized().slot);
            BELFRY_CHECK(one.kind == Missing::Kind::successor ||
                         assembler_.find(one.key) == nullptr);
        }
        for (const ledger::BlockRef& parent : assembler_.unknown_parents()) {
            BELFRY_CHECK(!assembler_.is_known(parent));
        }
        const samples::SampleBlock& block = some_block();
        if (const auto count = assembler_.set_count(block.ref)) {
            BELFRY_CHECK(*count == block.sets.size());
        }
        if (assembler_.has_set_at(block.ref.slot, 0)) {
            BELFRY_CHECK(assembler_.held_bytes() > 0);
        }
    }

    Choices choices_;
    FecResolver resolver_;
    BlockAssembler assembler_;
    Slot local_{first_slot};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Crowded crowded{Choices(ByteView(data, size))};
    for (int step = 0; crowded.more() && step < 80; ++step) {
        crowded.step();
    }
    return 0;
}
