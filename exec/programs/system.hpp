// SPDX-License-Identifier: Apache-2.0
#pragma once
// system.hpp: the System program: Transfer, CreateAccount, Assign, Allocate. Its other instructions
//          are answered with InvalidInstructionData.
// Shapes   data: u32 tag | fields, little-endian; bytes after the fields are ignored.
// Errors   custom codes of SystemError; else InstructionErrorKind. Order of checks as in Agave.
// Source   Agave's system program; clients.md section 7.

#include "exec/program.hpp"

#include <cstdint>

namespace belfry::exec {

/// Custom codes. Clients know them by number.
enum class SystemError : std::uint8_t {
    account_already_in_use = 0,
    result_with_negative_lamports = 1, // the payer has too little
    invalid_program_id = 2,
    invalid_account_data_length = 3,
};

inline constexpr std::uint64_t system_compute_units = 150;

[[nodiscard]] InstructionError run_system(InstructionContext& context);

} // namespace belfry::exec
