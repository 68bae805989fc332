// SPDX-License-Identifier: Apache-2.0
// transaction_fuzz: any bytes are parsed or refused; what parses can be asked everything.
#include "base/check.hpp"
#include "ledger/model/transaction.hpp"

#include <algorithm>

namespace belfry::ledger {
namespace {

void feed(ByteView input)
{
    const auto parsed = parse_transaction(input);
    if (!parsed) {
        BELFRY_CHECK(to_string(parsed.error()) != "unknown");
        return;
    }
    BELFRY_CHECK(std::ranges::equal(parsed->wire(), input));
    BELFRY_CHECK(parsed->is_signer(0) && parsed->is_writable(0));
    std::size_t part_bytes = 0;
    for (std::size_t i = 0; i < parsed->instruction_count(); ++i) {
        const InstructionView view = parsed->instruction(i);
        BELFRY_CHECK(view.program_index > 0 && view.program_index < parsed->account_count());
        for (const std::uint8_t index : view.accounts) {
            part_bytes += parsed->is_writable(index) ? 1 : 0;
        }
        part_bytes += view.data.size();
    }
    BELFRY_CHECK(part_bytes <= input.size());
    for (std::size_t i = 0; i < parsed->signature_count(); ++i) {
        BELFRY_CHECK(parsed->signature(i).bytes[0] == input[1 + 64 * i]);
    }
}

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t byte_count)
{
    belfry::ledger::feed({data, byte_count});
    return 0;
}
