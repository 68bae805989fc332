// SPDX-License-Identifier: Apache-2.0
#include "crypto/base58.hpp"
#include "ledger/store/env.hpp"
#include "ledger/store/storage_failure.hpp"
#include "node/cli/commands.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <system_error>

namespace belfry::node {

namespace {

int report(int exit_code, const char* text) noexcept
{
    (void)std::fprintf(stderr, "belfry: %s\n", text);
    return exit_code;
}

} // namespace

int guarded(const std::function<int()>& body) noexcept
{
    try {
        return body();
    } catch (const CommandError& error) {
        return report(error.exit_code(), error.what());
    } catch (const ledger::DirectoryBusy& busy) {
        return report(exit_try_again, busy.what());
    } catch (const ledger::StorageFailure& failure) {
        return report(exit_io, failure.what());
    } catch (const std::system_error& error) {
        const bool no_permission = error.code() == std::errc::permission_denied;
        return report(no_permission ? exit_no_permission : exit_io, error.what());
    } catch (const std::runtime_error& error) {
        return report(exit_bad_data, error.what());
    } catch (const std::exception& error) {
        return report(exit_internal, error.what());
    }
}

Pubkey pubkey_argument(std::string_view argument, std::string_view text)
{
    const std::optional<Pubkey> key = crypto::fixed_from_base58<Pubkey>(text);
    if (!key) {
        throw CommandError(exit_usage,
                           fmt::format("{}: '{}' is not a public key; it must be 32 bytes in "
                                       "base58, as `belfry keygen` prints",
                                       argument, text));
    }
    return *key;
}

} // namespace belfry::node
