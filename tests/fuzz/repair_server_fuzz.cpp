// SPDX-License-Identifier: Apache-2.0
// repair_server_fuzz: requests signed by anybody, with any fields, again and again, and spoilt
// ones: nothing is answered but to a validator that asked this node and had not asked so before,
// and an answer has at most what its kind allows.
#include "base/check.hpp"
#include "tests/base/choices.hpp"
#include "tests/dataplane/repair_simulation.hpp"

#include <set>

namespace {

using namespace belfry;                     // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane;          // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane::samples; // NOLINT(google-build-using-namespace)

const std::vector<SampleBlock>& chain()
{
    static const std::vector<SampleBlock> only = [] {
        Random random(3);
        return make_chain(random, 4, 80'000);
    }();
    return only;
}

RepairRequest drawn_request(Choices& choices)
{
    RepairRequest request;
    request.sender = static_cast<std::uint16_t>(choices() % (roster_count + 1));
    request.target = static_cast<std::uint16_t>(choices() % 8 == 0 ? 2 : 1);
    request.sequence = 1'000 + choices();
    request.what = static_cast<RepairWhat>(1 + choices() % 4);
    const SampleBlock& block = chain()[choices() % chain().size()];
    const auto set_index = static_cast<std::uint32_t>(choices() % block.sets.size());
    request.key.slot = block.ref.slot;
    request.bits = choices.up_to(UINT64_MAX) | 1;
    switch (request.what) {
    case RepairWhat::set:
        request.key.set_index = set_index;
        request.key.root = block.sets[set_index].set.root;
        break;
    case RepairWhat::successor:
        request.key.set_index = set_index;
        request.key.root = block.sets[set_index].set.root;
        request.bits = 0;
        break;
    case RepairWhat::block_sets:
        request.key.set_index = choices() % 5 == 0 ? tail_set_index : set_index;
        request.key.root = block.ref.id;
        request.bits = request.key.set_index == tail_set_index
                           ? 1
                           : 1 + choices() % block_sets_per_request_max;
        break;
    case RepairWhat::chain:
        request.key.slot = Slot{choices() % 10};
        request.bits = 0;
        break;
    }
    if (choices() % 8 == 0 && request.what != RepairWhat::chain) {
        request.key.root.bytes[0] ^= 1;
    }
    return request;
}

class Asking {
public:
    explicit Asking(Choices choices)
        : choices_(choices)
        , server_({.genesis = genesis(), .roster = roster(), .me = 1}, source_)
    {
        for (const SampleBlock& block : chain()) {
            source_.add(block);
        }
    }
    [[nodiscard]] bool more() const { return choices_.more(); }
    void ask()
    {
        now_ns_ += choices_() * ms;
        const RepairRequest request = drawn_request(choices_);
        const std::uint64_t how = choices_();
        const std::size_t signer = how % 16 == 0 ? 3 : request.sender % roster_count;
        const Prefix prefix(genesis());
        Bytes datagram = write_repair_request(request, genesis(), [&](ByteView statement) {
            return roster_keys()[signer].sign(crypto::SigningPurpose::repair, statement);
        });
        const bool spoilt = how >= 240;
        if (spoilt) {
            datagram[choices_.up_to(datagram.size() - 1)] ^= 4;
        }
        const auto answer = server_.serve(datagram, now_ns_);
        if (!answer) {
            BELFRY_CHECK(to_string(answer.error()) != "unknown");
            return;
        }
        BELFRY_CHECK(!spoilt && signer == request.sender && request.sender < roster_count);
        BELFRY_CHECK(request.sender != 1 && request.target == 1);
        BELFRY_CHECK(answer->peer == request.sender);
        BELFRY_CHECK(answered_.insert({request.sender, request.sequence}).second);
        check_answer(request, *answer, prefix);
    }

private:
    static void check_answer(const RepairRequest& request, const RepairAnswer& answer,
                             const Prefix& prefix)
    {
        const std::size_t sets =
            request.what == RepairWhat::block_sets ? block_sets_per_request_max : 1;
        BELFRY_CHECK(answer.datagrams.size() <= sets * set_shreds_max);
        for (const Bytes& datagram : answer.datagrams) {
            BELFRY_CHECK(datagram.size() <= datagram_bytes_max);
            if (request.what == RepairWhat::chain) {
                const auto hints = parse_chain_hints(datagram, prefix);
                BELFRY_CHECK(hints && hints->after == request.key.slot);
                continue;
            }
            const auto shred = parse_shred(datagram, prefix);
            BELFRY_CHECK(shred && shred->header.slot == request.key.slot);
            if (request.what == RepairWhat::set) {
                BELFRY_CHECK((request.bits >> shred->shred_index & 1) != 0);
                BELFRY_CHECK(root_of_shred(*shred) == request.key.root);
            }
        }
    }

    Choices choices_;
    ChainSource source_;
    RepairServer server_;
    std::set<std::pair<std::uint16_t, std::uint64_t>> answered_;
    std::uint64_t now_ns_ = ms;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Asking asking{Choices(ByteView(data, size))};
    for (int step = 0; asking.more() && step < 30; ++step) {
        asking.ask();
    }
    return 0;
}
