// SPDX-License-Identifier: Apache-2.0
// rs_bench.cpp: erasure coding of rows of 1,024 B beside ISA-L. Bytes are data bytes.
// Claims  encode 32:32 >= 11x, 64:64 >= 9x, 64:32 >= 5.5x ISA-L; recover 32 lost of 32:32 from a
//         pattern not seen before >= 30x. On a core with AVX-512 and GFNI (bench/RESULTS.md).
// Peer    ISA-L encodes with tables made before; for recovery it inverts the matrix of the pattern
//         and makes its tables each time, as a pattern that is new asks for.
// Run     ./dev bench kernels --benchmark_filter=rs_

#include "crypto/reed_solomon.hpp"

#include <benchmark/benchmark.h>
#include <isa-l/erasure_code.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t row_bytes = 1024;

struct Shape {
    std::size_t data_count;
    std::size_t parity_count;
    std::size_t lost_count = 0;
};

/// A codeword, and for recovery which rows are lost and which k stand in.
struct Fixture {
    explicit Fixture(const Shape& wanted)
        : shape(wanted)
        , rows(shape.data_count + shape.parity_count, Bytes(row_bytes))
        , found(shape.lost_count, Bytes(row_bytes))
    {
        std::mt19937_64 random(1);
        for (std::size_t i = 0; i < shape.data_count; ++i) {
            for (std::uint8_t& byte : rows[i]) {
                byte = static_cast<std::uint8_t>(random());
            }
        }
        const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(shape.data_count);
        data.assign(rows.begin(), middle);
        parity.assign(middle, rows.end());
        rs_encode(data, parity);
        std::vector<std::size_t> order(shape.data_count);
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        std::ranges::shuffle(order, random);
        lost.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shape.lost_count));
        std::ranges::sort(lost);
        for (std::size_t i = 0; i < rows.size() && at_hand.size() < shape.data_count; ++i) {
            if (!std::ranges::binary_search(lost, i)) {
                at_hand.push_back({i, rows[i]});
            }
        }
        out.assign(found.begin(), found.end());
    }
    [[nodiscard]] bool recovered() const
    {
        for (std::size_t i = 0; i < lost.size(); ++i) {
            if (found[i] != rows[lost[i]]) {
                return false;
            }
        }
        return true;
    }

    Shape shape;
    std::vector<Bytes> rows;
    std::vector<Bytes> found;
    std::vector<ByteView> data;
    std::vector<std::span<std::uint8_t>> parity;
    std::vector<std::size_t> lost;
    std::vector<RsRow> at_hand;
    std::vector<std::span<std::uint8_t>> out;
};

void count_data(benchmark::State& state, const Shape& shape)
{
    state.SetBytesProcessed(state.iterations() *
                            static_cast<std::int64_t>(shape.data_count * row_bytes));
}

void encode_belfry(benchmark::State& state, const Shape& shape)
{
    const Fixture fixture(shape);
    for ([[maybe_unused]] auto _ : state) {
        rs_encode(fixture.data, fixture.parity);
        benchmark::ClobberMemory();
    }
    count_data(state, shape);
}

void recover_belfry(benchmark::State& state, const Shape& shape)
{
    const Fixture fixture(shape);
    for ([[maybe_unused]] auto _ : state) {
        const auto result = rs_recover(shape.data_count, shape.parity_count, fixture.at_hand,
                                       fixture.lost, fixture.out);
        if (!result) {
            state.SkipWithError("refused");
            return;
        }
        benchmark::ClobberMemory();
    }
    if (!fixture.recovered()) {
        state.SkipWithError("wrong rows");
    }
    count_data(state, shape);
}

/// ISA-L's own systematic code of the shape; its bytes differ from Belfry's, its work does not.
struct Isal {
    explicit Isal(const Shape& wanted)
        : shape(wanted)
        , n(shape.data_count + shape.parity_count)
        , matrix(n * shape.data_count)
        , tables(32 * shape.data_count * shape.parity_count)
        , fixture(shape)
    {
        gf_gen_cauchy1_matrix(matrix.data(), static_cast<int>(n), k());
        ec_init_tables(k(), m(), matrix.data() + shape.data_count * shape.data_count,
                       tables.data());
        for (Bytes& row : fixture.rows) {
            pointers.push_back(row.data());
        }
        for (Bytes& row : fixture.found) {
            targets.push_back(row.data());
        }
        encode();
    }
    [[nodiscard]] int k() const { return static_cast<int>(shape.data_count); }
    [[nodiscard]] int m() const { return static_cast<int>(shape.parity_count); }
    void encode()
    {
        ec_encode_data(static_cast<int>(row_bytes), k(), m(), tables.data(), pointers.data(),
                       pointers.data() + shape.data_count);
    }
    bool recover()
    {
        const std::size_t width = shape.data_count;
        std::vector<std::uint8_t*> in;
        std::vector<std::uint8_t> square;
        for (const RsRow& row : fixture.at_hand) {
            in.push_back(pointers[row.index]);
            square.insert(square.end(), &matrix[row.index * width],
                          &matrix[row.index * width] + width);
        }
        std::vector<std::uint8_t> inverse(width * width);
        if (gf_invert_matrix(square.data(), inverse.data(), k()) != 0) {
            return false;
        }
        std::vector<std::uint8_t> wanted;
        for (const std::size_t index : fixture.lost) {
            wanted.insert(wanted.end(), &inverse[index * width], &inverse[index * width] + width);
        }
        std::vector<std::uint8_t> decode(32 * width * fixture.lost.size());
        const int lost = static_cast<int>(fixture.lost.size());
        ec_init_tables(k(), lost, wanted.data(), decode.data());
        ec_encode_data(static_cast<int>(row_bytes), k(), lost, decode.data(), in.data(),
                       targets.data());
        return true;
    }

    Shape shape;
    std::size_t n;
    std::vector<std::uint8_t> matrix;
    std::vector<std::uint8_t> tables;
    Fixture fixture;
    std::vector<std::uint8_t*> pointers;
    std::vector<std::uint8_t*> targets;
};

void encode_isal(benchmark::State& state, const Shape& shape)
{
    Isal isal(shape);
    for ([[maybe_unused]] auto _ : state) {
        isal.encode();
        benchmark::ClobberMemory();
    }
    count_data(state, shape);
}

void recover_isal(benchmark::State& state, const Shape& shape)
{
    Isal isal(shape);
    for ([[maybe_unused]] auto _ : state) {
        if (!isal.recover()) {
            state.SkipWithError("refused");
            return;
        }
        benchmark::ClobberMemory();
    }
    if (!isal.fixture.recovered()) {
        state.SkipWithError("wrong rows");
    }
    count_data(state, shape);
}

void add(const std::string& work, const std::string& shape_name, const Shape& shape,
         void (*belfry)(benchmark::State&, const Shape&),
         void (*isal)(benchmark::State&, const Shape&))
{
    benchmark::RegisterBenchmark((work + "/belfry/" + shape_name).c_str(), belfry, shape);
    benchmark::RegisterBenchmark((work + "/isal/" + shape_name).c_str(), isal, shape);
}

const bool registered = [] {
    for (const auto& [k, m] : {std::pair{32UL, 32UL},
                               {64UL, 64UL},
                               {64UL, 32UL},
                               {32UL, 96UL},
                               {16UL, 16UL},
                               {20UL, 20UL}}) {
        const std::string name = std::to_string(k) + "_" + std::to_string(m);
        add("rs_encode", name, {k, m}, encode_belfry, encode_isal);
    }
    for (const auto& [k, m, lost] : {Shape{32, 32, 32},
                                     {32, 32, 16},
                                     {32, 32, 4},
                                     {64, 64, 64},
                                     {64, 32, 32},
                                     {32, 96, 32},
                                     {16, 16, 16}}) {
        const std::string name =
            std::to_string(k) + "_" + std::to_string(m) + "_" + std::to_string(lost);
        add("rs_recover", name, {k, m, lost}, recover_belfry, recover_isal);
    }
    return true;
}();

} // namespace
} // namespace belfry::crypto
