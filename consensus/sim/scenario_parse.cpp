// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/scenario.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace belfry::consensus::sim {

namespace {

constexpr std::uint64_t number_max = 1'000'000'000;
constexpr std::array<std::string_view, 22> action_names{
    "split",  "heal",    "cut",   "mend", "hold",   "release", "withhold", "tell",
    "crash",  "restart", "pause", "idle", "lead",   "replay",  "sync",     "loss",
    "damage", "unlink",  "role",  "mark", "repent", "hardfork"};

/// One line's words. A wish that is not met is remembered; after the first all else is idle.
class Words {
public:
    Words(std::string_view line, std::size_t number)
        : number_(number)
    {
        line = line.substr(0, line.find('#'));
        while (!line.empty()) {
            const std::size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
            line.remove_prefix(begin);
            const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
            if (end > 0) {
                words_.push_back(line.substr(0, end));
            }
            line.remove_prefix(end);
        }
    }
    [[nodiscard]] bool empty() const { return words_.empty(); }
    [[nodiscard]] std::size_t line() const { return number_; }
    [[nodiscard]] bool more() const { return !error_ && at_ < words_.size(); }
    [[nodiscard]] std::string_view peek() const { return more() ? words_[at_] : ""; }
    std::string_view next(std::string_view wanted)
    {
        if (!more()) {
            fail(fmt::format("{} is missing", wanted));
            return "";
        }
        return words_[at_++];
    }
    bool take(std::string_view word)
    {
        const bool is_it = more() && words_[at_] == word;
        at_ += is_it ? 1 : 0;
        return is_it;
    }
    void want(std::string_view word)
    {
        if (!take(word)) {
            fail(fmt::format("'{}' is missing", word));
        }
    }
    void fail(const std::string& what)
    {
        if (!error_) {
            error_ = ScenarioError{.line = number_, .what = what};
        }
    }
    std::uint64_t number(std::string_view wanted, std::uint64_t most = number_max)
    {
        return number_in(next(wanted), wanted, most);
    }
    std::uint64_t number_in(std::string_view word, std::string_view wanted,
                            std::uint64_t most = number_max)
    {
        std::uint64_t value = 0;
        const auto read = std::from_chars(word.data(), word.data() + word.size(), value);
        if (read.ec != std::errc{} || read.ptr != word.data() + word.size() || value > most) {
            fail(fmt::format("{} is a number up to {}, not '{}'", wanted, most, word));
            return 0; // the caller goes on with it, and may take room for so many
        }
        return value;
    }
    std::size_t one_of(std::span<const std::string_view> names, std::string_view wanted)
    {
        const std::string_view word = next(wanted);
        const auto found = std::ranges::find(names, word);
        if (found == names.end()) {
            fail(fmt::format("'{}' is no {}", word, wanted));
            return 0;
        }
        return static_cast<std::size_t>(found - names.begin());
    }
    void finish()
    {
        if (more()) {
            fail(fmt::format("'{}' is too much", words_[at_]));
        }
    }
    [[nodiscard]] const std::optional<ScenarioError>& error() const { return error_; }

private:
    std::size_t number_;
    std::vector<std::string_view> words_;
    std::size_t at_ = 0;
    std::optional<ScenarioError> error_;
};

/// "7", "3-5", "0-59,70", "all".
Machines machines_in(Words& words, std::size_t count)
{
    std::string_view word = words.next("a list of machines");
    Machines machines;
    if (word == "all") {
        for (std::size_t i = 0; i < count; ++i) {
            machines.push_back(i);
        }
        return machines;
    }
    while (!word.empty()) {
        const std::size_t comma = std::min(word.find(','), word.size());
        const std::string_view item = word.substr(0, comma);
        const std::size_t dash = item.find('-');
        const std::uint64_t first = words.number_in(item.substr(0, dash), "a machine", 1000);
        const std::uint64_t last = dash == std::string_view::npos
                                       ? first
                                       : words.number_in(item.substr(dash + 1), "a machine", 1000);
        for (std::uint64_t i = first; i <= last && !words.error(); ++i) {
            if (i >= count) {
                words.fail(fmt::format("there is no machine {}", i));
            }
            machines.push_back(i);
        }
        word.remove_prefix(std::min(comma + 1, word.size()));
    }
    std::ranges::sort(machines);
    if (std::ranges::adjacent_find(machines) != machines.end() || machines.empty()) {
        words.fail("a machine is named twice, or none is");
    }
    return machines;
}

void read_role(Words& words, Roles& roles)
{
    const std::pair<std::string_view, bool*> names[] = {{"silent", &roles.silent},
                                                        {"equivocates", &roles.equivocates},
                                                        {"votes_twice", &roles.votes_twice},
                                                        {"selective", &roles.selective},
                                                        {"withholds", &roles.withholds},
                                                        {"stale", &roles.stale},
                                                        {"lies_in_repair", &roles.lies_in_repair},
                                                        {"late_blocks", &roles.late_blocks}};
    do {
        const std::string_view word = words.next("a role");
        bool found = false;
        for (const auto& [name, flag] : names) {
            if (word == name) {
                *flag = true;
                found = true;
            }
        }
        if (!found) {
            words.fail(fmt::format("'{}' is no role", word));
        }
    } while (words.more());
}

class Parser {
public:
    ParsedScenario parse(std::string_view text)
    {
        if (text.size() > scenario_bytes_max) {
            return ScenarioError{.line = 0, .what = "the file is too long"};
        }
        std::size_t number = 0;
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            Words words(text.substr(0, end), ++number);
            text.remove_prefix(std::min(end + 1, text.size()));
            if (number > scenario_lines_max) {
                words.fail("too many lines");
            }
            if (!words.empty()) {
                read(words);
            }
            if (words.error()) {
                return *words.error();
            }
        }
        if (scenario_.stakes.empty()) {
            return ScenarioError{.line = 0, .what = "'validators N' is missing"};
        }
        return check();
    }

private:
    [[nodiscard]] std::size_t machine_count() const
    {
        return scenario_.stakes.size() + scenario_.twins.size();
    }

    ParsedScenario check()
    {
        std::vector<std::string> marks;
        for (const Action& action : scenario_.actions) {
            if (action.kind == ActionKind::mark) {
                marks.push_back(action.name);
            }
            if (action.at.value > scenario_.slots) {
                return ScenarioError{.line = action.line, .what = "that slot is after the end"};
            }
        }
        for (const Expectation& expected : scenario_.expectations) {
            if (!expected.mark.empty() && std::ranges::count(marks, expected.mark) == 0) {
                return ScenarioError{.line = expected.line,
                                     .what = "there is no mark '" + expected.mark + "'"};
            }
            if (expected.last.value > scenario_.slots) {
                return ScenarioError{.line = expected.line, .what = "that slot is after the end"};
            }
        }
        return scenario_;
    }

    void read(Words& words)
    {
        const std::string_view word = words.next("a statement");
        const bool about_machines = word == "at" || word == "expect" || word == "role";
        if (about_machines && scenario_.stakes.empty()) {
            words.fail("'validators N' comes first");
            return;
        }
        if (word == "at") {
            read_action(words);
        } else if (word == "expect") {
            read_expectation(words);
        } else {
            read_setting(word, words);
        }
        words.finish();
    }

    void read_setting(std::string_view word, Words& words)
    {
        NetworkOptions& network = scenario_.network;
        if (word == "title") {
            while (words.more()) {
                scenario_.title += scenario_.title.empty() ? "" : " ";
                scenario_.title += words.next("a word");
            }
        } else if (word == "validators") {
            read_validators(words);
        } else if (word == "stakes") {
            read_stakes(words);
        } else if (word == "twins") {
            for (const std::size_t i : machines_in(words, scenario_.stakes.size())) {
                scenario_.twins.push_back(ValidatorIndex{static_cast<std::uint16_t>(i)});
            }
        } else if (word == "role") {
            Action action;
            action.line = words.line();
            action.kind = ActionKind::role;
            action.groups.push_back(machines_in(words, machine_count()));
            read_role(words, action.roles);
            scenario_.actions.push_back(action);
        } else if (word == "slots") {
            scenario_.slots = words.number("a count of slots", scenario_slots_max);
        } else if (word == "seeds") {
            scenario_.first_seed = words.number("a seed");
            scenario_.last_seed = words.take("to") ? words.number("a seed") : scenario_.first_seed;
        } else if (word == "engine") {
            scenario_.engine = words.next("an engine");
        } else if (word == "slot_ms") {
            scenario_.slot_ms = std::max<std::uint64_t>(words.number("a length in ms", 60'000), 10);
        } else if (word == "delay") {
            network.regions = words.take("regions");
            if (!network.regions) {
                network.delay_ms = range(words);
            }
        } else if (word == "tail") {
            network.tail_ms = words.number("a mean in ms", 10'000);
        } else if (word == "loss") {
            network.loss_percent = words.number("a percentage", 100);
        } else if (word == "duplicates") {
            network.duplicate_percent = words.number("a percentage", 100);
        } else if (word == "sync") {
            scenario_.sync_ms = range(words);
        } else if (word == "skew") {
            scenario_.skew_ms = words.number("ms", 10'000);
        } else if (word == "sets") {
            scenario_.set_loss.sets_per_block = words.number("sets in a block", 10'000);
            words.want("lost_ppm");
            scenario_.set_loss.lost_ppm = words.number("parts in a million", 1'000'000);
            words.want("repair_fails");
            scenario_.set_loss.repair_fails_percent = words.number("a percentage", 99);
        } else if (word == "outcome") {
            constexpr std::array<std::string_view, 3> names{"pass", "no_progress", "diverged"};
            scenario_.outcome = static_cast<Outcome>(words.one_of(names, "outcome"));
            scenario_.broken_rule = words.more() ? words.next("a rule") : "";
        } else {
            words.fail(fmt::format("'{}' begins no line", word));
        }
    }

    void read_validators(Words& words)
    {
        const std::uint64_t count = words.number("a count of validators", validator_count_max);
        if (count == 0 || !scenario_.stakes.empty()) {
            words.fail("validators is said once, and is not 0");
        }
        scenario_.stakes = equal_stakes(count);
    }

    void read_stakes(Words& words)
    {
        std::vector<Stake> stakes;
        while (words.more()) {
            const std::string_view word = words.next("a stake");
            const std::size_t star = word.find('*');
            const bool many = star != std::string_view::npos;
            const std::uint64_t count =
                many ? words.number_in(word.substr(0, star), "a count", validator_count_max) : 1;
            const std::uint64_t stake =
                words.number_in(many ? word.substr(star + 1) : word, "a stake");
            stakes.insert(stakes.end(), count, Stake{stake});
        }
        if (stakes.size() != scenario_.stakes.size()) {
            words.fail(
                fmt::format("{} stakes for {} validators", stakes.size(), scenario_.stakes.size()));
            return;
        }
        scenario_.stakes = stakes;
    }

    static Range range(Words& words)
    {
        const std::uint64_t low = words.number("ms", 100'000);
        const std::uint64_t high = words.number("ms", 100'000);
        if (high < low) {
            words.fail("the second number is below the first");
        }
        return {.low = low, .high = high};
    }

    static void read_payloads(Words& words, Action& action)
    {
        const bool votes = words.take("votes");
        const bool blocks = !votes && words.take("blocks");
        if (!blocks) {
            action.payloads.push_back(Payload::statement);
        }
        if (!votes) {
            action.payloads.push_back(Payload::block);
        }
    }

    void read_action(Words& words)
    {
        Action action;
        action.line = words.line();
        action.at = Slot{words.number("a slot", scenario_slots_max)};
        action.kind = static_cast<ActionKind>(words.one_of(action_names, "action"));
        const auto who = [&] {
            action.groups.push_back(machines_in(words, machine_count()));
        };
        switch (action.kind) {
        case ActionKind::heal:
            break;
        case ActionKind::split:
            who();
            while (words.take("|")) {
                who();
            }
            break;
        case ActionKind::cut:
        case ActionKind::mend:
        case ActionKind::hold:
        case ActionKind::release:
            read_payloads(words, action);
            who();
            words.want(">");
            who();
            break;
        case ActionKind::loss:
            action.numbers[0] = words.number("a percentage", 100);
            break;
        case ActionKind::hardfork:
            who();
            action.numbers[0] = words.number("a slot", scenario_slots_max);
            break;
        case ActionKind::pause:
            who();
            action.numbers[0] = words.number("ms", 600'000);
            break;
        case ActionKind::replay:
            who();
            words.want("every");
            action.numbers[0] = std::max<std::uint64_t>(words.number("a count of slots", 1000), 1);
            break;
        case ActionKind::sync: {
            who();
            const Range ms = range(words);
            action.numbers = {ms.low, ms.high};
            break;
        }
        case ActionKind::role:
            who();
            read_role(words, action.roles);
            break;
        case ActionKind::mark:
            action.name = words.next("a name");
            action.field = static_cast<Field>(words.one_of(field_names, "field"));
            who();
            if (action.field > Field::vote || action.groups[0].size() != 1) {
                words.fail("a mark is a block that one machine names");
            }
            break;
        default:
            who();
        }
        scenario_.actions.push_back(action);
    }

    void read_expectation(Words& words)
    {
        Expectation expected;
        expected.line = words.line();
        constexpr std::array<std::string_view, 2> levels{"confirmed", "rooted"};
        if (words.take("accused")) {
            expected.kind = Expectation::Kind::accused;
            if (!words.take("none")) {
                expected.who = machines_in(words, scenario_.stakes.size());
            }
        } else if (words.peek() == "reverted" || words.peek() == "kept") {
            expected.kind = Expectation::Kind::reverted;
            expected.number = words.take("reverted") ? 1 : 0;
            (void)words.take("kept");
            expected.field = words.one_of(levels, "level") == 0 ? Field::confirmed : Field::rooted;
        } else {
            read_slots(words, expected);
            expected.who = machines_in(words, machine_count());
            if (words.take("progress")) {
                expected.kind = Expectation::Kind::progress;
                expected.number = words.number("a count of slots", 10'000);
            } else {
                read_value(words, expected);
            }
        }
        scenario_.expectations.push_back(expected);
    }

    static void read_slots(Words& words, Expectation& expected)
    {
        const std::string_view word = words.next("a slot, or two with .. between");
        const std::size_t dots = word.find("..");
        expected.first = Slot{words.number_in(word.substr(0, dots), "a slot", scenario_slots_max)};
        expected.last =
            dots == std::string_view::npos
                ? expected.first
                : Slot{words.number_in(word.substr(dots + 2), "a slot", scenario_slots_max)};
        if (expected.last < expected.first) {
            words.fail("the last slot is before the first");
        }
    }

    static void read_value(Words& words, Expectation& expected)
    {
        constexpr std::array<std::string_view, 5> names{"=", ">=", "<=", "on", "off"};
        expected.field = static_cast<Field>(words.one_of(field_names, "field"));
        expected.comparison = static_cast<Comparison>(words.one_of(names, "comparison"));
        if (expected.comparison >= Comparison::on) {
            expected.mark = words.next("a mark");
            return;
        }
        if (words.take("slot")) {
            expected.from_slot = true;
            expected.number = words.take("-") ? words.number("a number") : 0;
            return;
        }
        const std::string_view word = words.next("a number, a mark or slot");
        if (!word.empty() && word.front() >= '0' && word.front() <= '9') {
            expected.number = words.number_in(word, "the value");
            return;
        }
        expected.mark = word;
        expected.number = words.take("+") ? words.number("a number") : 0;
    }

    Scenario scenario_;
};

} // namespace

ParsedScenario parse_scenario(std::string_view text)
{
    return Parser().parse(text);
}

} // namespace belfry::consensus::sim
