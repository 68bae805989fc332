// SPDX-License-Identifier: Apache-2.0
#pragma once
// nearest_name.hpp: what the author of an unknown word probably meant.
// Rule     least edit distance (insert, delete, replace, swap of neighbours); ties go to the first.

#include <span>
#include <string>
#include <string_view>

namespace belfry {

[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
/// Empty when names is empty.
[[nodiscard]] std::string_view nearest_name(std::string_view word,
                                            std::span<const std::string_view> names);
/// "unknown key 'slot_sm'; the nearest known one is 'slot_ms'"
[[nodiscard]] std::string unknown_name_text(std::string_view what, std::string_view word,
                                            std::span<const std::string_view> names);

} // namespace belfry
