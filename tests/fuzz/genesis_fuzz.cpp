// SPDX-License-Identifier: Apache-2.0
// genesis_fuzz: any text is a genesis or refused with one line; a genesis is written as TOML that
// is read back to the same, with the same hash.
#include "base/check.hpp"
#include "ledger/model/genesis.hpp"
#include "tests/fuzz/memory_directory.hpp"

#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace {

template <class Act>
bool is_refused(const Act& act)
{
    try {
        act();
    } catch (const std::runtime_error& error) {
        return std::string_view(error.what()).find("genesis.toml") != std::string_view::npos;
    }
    return false;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry::ledger; // NOLINT(google-build-using-namespace)
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Genesis genesis;
    try {
        genesis = parse_genesis(text, "genesis.toml");
    } catch (const std::runtime_error& error) {
        const std::string_view line = error.what();
        BELFRY_CHECK(line.starts_with("genesis.toml") && line.find('\n') == std::string_view::npos);
        return 0;
    }
    validate_genesis(genesis);
    const Genesis again = parse_genesis(genesis_to_toml(genesis), "again");
    BELFRY_CHECK(again == genesis && genesis_hash(again) == genesis_hash(genesis));
    static const belfry::MemoryDirectory directory;
    const std::filesystem::path file = directory.path() / "genesis.toml";
    save_genesis(genesis, file);
    BELFRY_CHECK(load_genesis(file) == genesis);
    BELFRY_CHECK(is_refused([&] { save_genesis(genesis, file); })); // it is there
    std::filesystem::resize_file(file, std::uintmax_t{1} << 40);
    BELFRY_CHECK(is_refused([&] { (void)load_genesis(file); }));
    std::filesystem::remove(file);
    BELFRY_CHECK(is_refused([&] { (void)load_genesis(file); }));
    (void)total_lamports(genesis);
    (void)total_stake(genesis);
    return 0;
}
