// SPDX-License-Identifier: Apache-2.0
// dedup_fuzz: fills, questions and generations as the bytes say: a filter of one line knows exactly
// the last eight messages that are young enough.
#include "base/check.hpp"
#include "crypto/sha256.hpp"
#include "dataplane/ingress/dedup.hpp"
#include "tests/base/choices.hpp"

#include <algorithm>
#include <deque>

namespace {

using namespace belfry; // NOLINT(google-build-using-namespace)

struct Known {
    std::uint8_t message;
    std::uint64_t generation;
};

Hash hash_of(std::uint8_t message)
{
    return crypto::sha256(Bytes{message});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Choices choices{ByteView(data, size)};
    const auto kept = static_cast<std::uint16_t>(1 + choices() % 5);
    dataplane::DuplicateFilter filter(
        {.entries_max = 8, .generations_kept = kept, .seed = {choices() + 1, 7}});
    std::deque<Known> model; // newest first
    std::uint64_t generation = 0;
    const auto find = [&](std::uint8_t message) {
        return std::ranges::find(model, message, &Known::message);
    };
    for (int step = 0; choices.more() && step < 400; ++step) {
        const std::uint64_t draw = choices();
        const auto message = static_cast<std::uint8_t>(draw % 16);
        if (draw >= 224) {
            filter.next_generation();
            ++generation;
        } else if (draw >= 112) {
            filter.fill(hash_of(message));
            if (const auto old = find(message); old != model.end()) {
                model.erase(old);
            }
            model.push_front({message, generation});
            model.resize(std::min<std::size_t>(model.size(), 8));
        }
        for (std::uint8_t asked = 0; asked < 16; ++asked) {
            const auto known = find(asked);
            const bool expected = known != model.end() && generation - known->generation < kept;
            BELFRY_CHECK(filter.seen(hash_of(asked)) == expected);
        }
    }
    return 0;
}
