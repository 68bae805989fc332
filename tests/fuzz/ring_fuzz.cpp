// SPDX-License-Identifier: Apache-2.0
// ring_fuzz: both ends of a link used by one thread in any order: it holds what a queue holds, in
// order, never more than its capacity, and shows nothing that was not published.
#include "base/check.hpp"
#include "dataplane/link/spsc_ring.hpp"
#include "tests/base/choices.hpp"

#include <deque>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry; // NOLINT(google-build-using-namespace)
    Choices choices{ByteView(data, size)};
    dataplane::SpscRing<std::uint64_t> ring(std::size_t{1} << (choices() % 5));
    std::deque<std::uint64_t> published;
    std::deque<std::uint64_t> staged;
    std::size_t unreleased = 0; // taken, but the room is not given back yet
    std::uint64_t next = 1;
    for (int step = 0; choices.more() && step < 1000; ++step) {
        const bool has_room = published.size() + staged.size() + unreleased < ring.capacity();
        switch (choices() % 9) {
        case 0:
            if (std::uint64_t* const place = ring.claim()) {
                BELFRY_CHECK(has_room);
                *place = next;
                ring.commit();
                staged.push_back(next++);
            } else {
                BELFRY_CHECK(!has_room);
            }
            break;
        case 1:
            BELFRY_CHECK(ring.stage(std::uint64_t{next}) == has_room);
            if (has_room) {
                staged.push_back(next++);
            }
            break;
        case 2:
            ring.publish();
            published.insert(published.end(), staged.begin(), staged.end());
            staged.clear();
            break;
        case 3:
            BELFRY_CHECK(ring.push(next) == has_room); // publishes what was staged before it too
            if (has_room) {
                published.insert(published.end(), staged.begin(), staged.end());
                staged.clear();
                published.push_back(next++);
            }
            break;
        case 4:
            if (const std::uint64_t* const front = ring.front()) {
                BELFRY_CHECK(!published.empty() && *front == published.front());
                ring.advance();
                published.pop_front();
                ++unreleased;
            } else {
                BELFRY_CHECK(published.empty());
            }
            break;
        case 5:
            ring.release();
            unreleased = 0;
            break;
        case 6: { // as the two above, in one; what was stepped over before is given back too
            std::uint64_t item = 0;
            if (ring.pop(item)) {
                BELFRY_CHECK(!published.empty() && item == published.front());
                published.pop_front();
                unreleased = 0;
            } else {
                BELFRY_CHECK(published.empty());
            }
            break;
        }
        case 7: {
            const std::size_t wanted = choices() % 20;
            const std::size_t count = ring.drain(wanted, [&](std::uint64_t item) {
                BELFRY_CHECK(!published.empty() && item == published.front());
                published.pop_front();
            });
            BELFRY_CHECK(count == wanted || published.empty());
            unreleased = count > 0 ? 0 : unreleased;
            break;
        }
        default:
            BELFRY_CHECK(ring.empty() == published.empty());
            BELFRY_CHECK(ring.free_count() ==
                         ring.capacity() - published.size() - staged.size() - unreleased);
        }
    }
    return 0;
}
