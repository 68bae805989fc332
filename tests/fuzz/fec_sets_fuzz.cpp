// SPDX-License-Identifier: Apache-2.0
// fec_sets_fuzz: the shreds of two versions of one slot's block in any order, doubled, cut, with
// changed bytes, between them two sets that are none, though the leader signed them: a set
// completes with the leader's bytes or not at all, a changed shred never counts, each is passed on
// at most once, two signed roots become evidence, and a lie is one at the latest when it would
// complete.
//
// Input    choices: which shred, and whether and where a byte of it is changed.
#include "base/check.hpp"
#include "dataplane/fec/block_assembler.hpp"
#include "tests/base/choices.hpp"
#include "tests/dataplane/forged_shreds.hpp"

#include <map>
#include <set>

namespace {

using namespace belfry;            // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane; // NOLINT(google-build-using-namespace)

struct Lie {
    std::vector<Bytes> shreds;
    std::size_t data_count = 0;
};

struct Sample {
    crypto::Keypair leader = samples::keypair(1);
    samples::SampleBlock blocks[2];
    Lie lies[2]; // parity of other data; one row that says the stream is shorter
    Sample()
    {
        samples::Random random(7);
        const Bytes begin = samples::random_bytes(random, set_stream_bytes_max);
        for (std::size_t version = 0; version < 2; ++version) {
            Bytes stream = begin; // the first sets are the same set
            const Bytes rest = samples::random_bytes(random, 1500 + version * 2000);
            stream.insert(stream.end(), rest.begin(), rest.end());
            blocks[version] =
                samples::make_block(leader, Slot{9}, samples::genesis_block(), std::move(stream));
        }
        for (std::size_t kind = 0; kind < 2; ++kind) {
            const samples::SampleBlock block =
                samples::make_block(leader, Slot{7 + kind}, samples::genesis_block(),
                                    samples::random_bytes(random, 5 * row_bytes));
            std::vector<samples::ForgedShred> rows = samples::honest_rows(block.sets[0]);
            if (kind == 0) {
                rows[block.sets[0].set.data_count].row[100] ^= 1;
            } else {
                rows[odd_row].header.stream_bytes -= 1;
            }
            lies[kind] = {.shreds = samples::sign_rows(leader, rows),
                          .data_count = block.sets[0].set.data_count};
        }
    }
    static constexpr std::size_t odd_row = 2;
};

const Sample& sample()
{
    static const Sample only;
    return only;
}

class Receiving {
public:
    explicit Receiving(Choices choices)
        : choices_(choices)
        , resolver_(samples::resolver_options(sample().leader.pubkey()))
        , assembler_({})
    {
        resolver_.set_window(Slot{0}, Slot{9});
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void shred()
    {
        const samples::SampleBlock& block = sample().blocks[choices_() % 2];
        const SetOut& set = block.sets[choices_() % block.sets.size()];
        const std::size_t begin = choices_() % set.datagrams.count();
        const std::uint64_t how = choices_();
        if (how >= 200) {
            changed(set.datagrams.at(begin));
            return;
        }
        if (how >= 180) {
            lie(how % 2, begin);
            return;
        }
        for (std::size_t i = 0; i < how % 40 + 1; ++i) { // a run of them, so that sets complete
            good(set, (begin + i) % set.datagrams.count());
        }
    }
    void check_end() const
    {
        BELFRY_CHECK(resolver_.open_bytes() <= std::size_t{64} << 20);
        for (const auto& [root, indexes] : seen_) {
            const bool whole = indexes.size() >= data_count_.at(root);
            BELFRY_CHECK(completed_.contains(root) == whole);
        }
        const bool two_ends =
            seen_.contains(sample().blocks[0].ref.id) && seen_.contains(sample().blocks[1].ref.id);
        BELFRY_CHECK(told_ == two_ends);
    }

private:
    void good(const SetOut& set, std::size_t index)
    {
        const auto accepted = resolver_.accept(set.datagrams.at(index), {});
        data_count_[set.set.root] = set.set.data_count;
        const bool is_new = seen_[set.set.root].insert(index).second;
        if (!accepted) {
            BELFRY_CHECK(accepted.error() == ShredError::duplicate);
            BELFRY_CHECK(!is_new || completed_.contains(set.set.root));
            return;
        }
        BELFRY_CHECK(is_new && accepted->retransmit && accepted->set.root == set.set.root);
        told_ |= accepted->equivocation.has_value();
        if (accepted->completed) {
            BELFRY_CHECK(accepted->completed->set == set.set);
            BELFRY_CHECK(completed_.insert(set.set.root).second);
            for (const ledger::Block& block : assembler_.add(accepted->completed->set)) {
                const bool first = block.ref == sample().blocks[0].ref;
                const samples::SampleBlock& meant = sample().blocks[first ? 0 : 1];
                BELFRY_CHECK(block.ref == meant.ref && block.stream == meant.stream);
            }
        }
    }
    void lie(std::size_t kind, std::size_t index)
    {
        const Lie& told = sample().lies[kind];
        std::set<std::size_t>& seen = lies_seen_[kind];
        index %= told.shreds.size();
        const bool is_new = seen.insert(index).second;
        const bool disagree = kind == 1 && seen.size() > 1 && seen.contains(Sample::odd_row);
        const auto accepted = resolver_.accept(told.shreds[index], {});
        if (disagree || seen.size() >= told.data_count) {
            BELFRY_CHECK(!accepted && (accepted.error() == ShredError::malformed_set ||
                                       (!is_new && accepted.error() == ShredError::duplicate)));
        } else {
            BELFRY_CHECK(accepted.has_value() == is_new);
            BELFRY_CHECK(!accepted || !accepted->completed);
        }
    }
    void changed(ByteView datagram)
    {
        Bytes bytes(datagram.begin(), datagram.end());
        const std::size_t at = choices_.up_to(bytes.size() - 1);
        bytes[at] ^= static_cast<std::uint8_t>(1 + choices_() % 255);
        const std::uint64_t cut = choices_();
        bytes.resize(cut < 250 ? bytes.size() : bytes.size() - cut % bytes.size());
        const std::size_t before = resolver_.open_bytes();
        const auto accepted = resolver_.accept(bytes, {});
        BELFRY_CHECK(!accepted && resolver_.open_bytes() == before);
    }

    Choices choices_;
    FecResolver resolver_;
    BlockAssembler assembler_;
    std::map<Hash, std::set<std::size_t>> seen_;
    std::map<Hash, std::size_t> data_count_;
    std::set<Hash> completed_;
    std::set<std::size_t> lies_seen_[2];
    bool told_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Receiving receiving{Choices(ByteView(data, size))};
    for (int step = 0; receiving.more() && step < 60; ++step) {
        receiving.shred();
    }
    receiving.check_end();
    return 0;
}
