// SPDX-License-Identifier: Apache-2.0
// crash_notes_fuzz: any text as the file of the deaths before: what is read writes back, the file
// as the node leaves it says the same again, and in quarantine is what stands there twice.
#include "base/check.hpp"
#include "node/crash_notes.hpp"
#include "tests/fuzz/memory_directory.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace {

using namespace belfry;       // NOLINT(google-build-using-namespace)
using namespace belfry::node; // NOLINT(google-build-using-namespace)

void check_quarantine(const std::vector<Death>& deaths)
{
    const exec::Quarantine quarantine = quarantine_of(deaths);
    for (const Death& death : deaths) {
        const auto same_block = std::count_if(
            deaths.begin(), deaths.end(), [&](const Death& d) { return d.block == death.block; });
        if (death.block && death.block->id != Hash{} && same_block >= 2) {
            BELFRY_CHECK(quarantine.holds_block(death.block->id));
        }
        const auto holds_message = [&](const Death& d) {
            return d.transaction && d.transaction->message_hash == death.transaction->message_hash;
        };
        if (death.transaction) {
            BELFRY_CHECK(quarantine.holds_message(death.transaction->message_hash) ==
                         (std::count_if(deaths.begin(), deaths.end(), holds_message) >= 2));
        }
    }
    BELFRY_CHECK(!quarantine.holds_block(Hash{}));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const MemoryDirectory directory;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::vector<Death> read = parse_deaths(text);
    for (const Death& death : read) {
        BELFRY_CHECK(parse_deaths(to_line(death)) == std::vector{death});
        BELFRY_CHECK(!in_words(death).empty());
    }
    std::ofstream(directory.path() / CrashNotes::file_name, std::ios::binary) << text;
    const std::vector<Death> kept = CrashNotes(directory.path()).deaths();
    BELFRY_CHECK(kept.size() <= std::min(read.size(), CrashNotes::deaths_kept));
    BELFRY_CHECK(std::equal(kept.rbegin(), kept.rend(), read.rbegin()));
    BELFRY_CHECK(CrashNotes(directory.path()).deaths() == kept);
    check_quarantine(kept);
    return 0;
}
