// SPDX-License-Identifier: Apache-2.0
// Rows as a hostile network gives them: any shape, any indexes, any lengths. Recovery never aborts,
// every kernel gives the same bytes, and what it gives lies on one codeword with what it was given.
#include "crypto/rs_choice.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

namespace {

using namespace belfry;
using namespace belfry::crypto;

void require(bool condition)
{
    if (!condition) {
        std::abort();
    }
}

struct Input {
    std::size_t k = 0;
    std::size_t m = 0;
    std::vector<Bytes> bytes;
    std::vector<RsRow> rows;
};

Input parse(ByteReader& reader)
{
    Input input;
    input.k = reader.u8() % 128U + 1U;
    input.m = reader.u8() % 128U + 1U;
    const std::size_t row_bytes = reader.u8() % 200U;
    const std::size_t row_count = reader.u8();
    const bool in_order = reader.u8() % 2 == 0;
    std::vector<std::size_t> indexes;
    for (std::size_t i = 0; i < row_count; ++i) {
        const std::size_t index = in_order ? (i + 3) % (input.k + input.m) : reader.u8();
        indexes.push_back(index);
        Bytes row(row_bytes);
        for (std::uint8_t& byte : row) {
            byte = reader.left() != 0 ? reader.u8() : static_cast<std::uint8_t>(i * 31 + index);
        }
        if (reader.u8() == 255) {
            row.push_back(0);
        }
        input.bytes.push_back(std::move(row));
    }
    for (std::size_t i = 0; i < row_count; ++i) {
        input.rows.push_back({indexes[i], input.bytes[i]});
    }
    return input;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    ByteReader reader({data, size});
    const Input input = parse(reader);
    const bool consistent = rs_check(input.k, input.m, input.rows).has_value();
    const std::size_t row_bytes = input.rows.empty() ? 1 : input.rows.front().bytes.size();
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < input.k + input.m; ++i) {
        wanted.push_back(i);
    }
    std::vector<Bytes> expected;
    for (const Kernel<RsKernelSet>& kernel : rs_kernels()) {
        if (!kernel.supported(cpu_features())) {
            continue;
        }
        std::vector<Bytes> found(wanted.size(), Bytes(row_bytes));
        const std::vector<std::span<std::uint8_t>> out(found.begin(), found.end());
        const auto result = rs_recover_with(kernel.run, input.k, input.m, input.rows, wanted, out);
        require(result.has_value() || !consistent);
        if (!result) {
            return 0;
        }
        require(expected.empty() || found == expected);
        expected = found;
    }
    // What is at hand among the rows used comes back as it is; so a codeword results if it was one.
    std::vector<RsRow> all;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        all.push_back({i, expected[i]});
    }
    require(rs_check(input.k, input.m, all).has_value() || !consistent);
    return 0;
}
