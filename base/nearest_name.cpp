// SPDX-License-Identifier: Apache-2.0
#include "base/nearest_name.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

namespace belfry {

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    // Three rows of the classic table: two back for the swap of neighbours.
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string_view nearest_name(std::string_view word, std::span<const std::string_view> names)
{
    std::string_view best;
    std::size_t best_distance = SIZE_MAX;
    for (const std::string_view name : names) {
        const std::size_t distance = edit_distance(word, name);
        if (distance < best_distance) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}

std::string unknown_name_text(std::string_view what, std::string_view word,
                              std::span<const std::string_view> names)
{
    if (names.empty()) {
        return fmt::format("unknown {} '{}'", what, word);
    }
    return fmt::format("unknown {} '{}'; the nearest known one is '{}'", what, word,
                       nearest_name(word, names));
}

} // namespace belfry
