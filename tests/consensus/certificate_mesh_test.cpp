// SPDX-License-Identifier: Apache-2.0
#include "tests/consensus/certificate_mesh.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace belfry::consensus::testing {
namespace {

struct Verdict {
    std::string violation; // empty: none
    std::uint64_t finalized_before = 0;
    std::uint64_t finalized_after = 0;
    std::uint64_t certificates = 0;
    std::uint64_t evidence = 0;
    [[nodiscard]] bool progressed() const { return finalized_after > heal_slot; }
    static constexpr std::uint64_t heal_slot = 40;
};

Verdict run(const MeshOptions& options)
{
    Mesh mesh(options);
    mesh.run_to(Verdict::heal_slot);
    Verdict verdict{.violation = {}, .finalized_before = mesh.finalized()};
    mesh.heal();
    // A standstill may have to pass first; then each run of liars' windows.
    mesh.run_to(Verdict::heal_slot + 4 * (options.liars + 2) + 40);
    verdict.finalized_after = mesh.finalized();
    verdict.certificates = mesh.certificates_stored();
    verdict.evidence = mesh.evidence_told();
    if (!mesh.violations().empty()) {
        verdict.violation = *mesh.violations().begin();
    }
    return verdict;
}

std::uint64_t seeds(std::uint64_t usual)
{
    const char* wanted = std::getenv("BELFRY_MESH_SEEDS"); // NOLINT(concurrency-mt-unsafe)
    return wanted == nullptr ? usual : std::strtoull(wanted, nullptr, 10);
}

void expect_no_harm(MeshOptions options, std::uint64_t seed_count)
{
    std::uint64_t evidence = 0;
    std::uint64_t certificates = 0;
    std::uint64_t final_before_heal = 0;
    for (options.seed = 1; options.seed <= seeds(seed_count); ++options.seed) {
        const Verdict verdict = run(options);
        ASSERT_EQ(verdict.violation, "") << "seed " << options.seed;
        ASSERT_TRUE(verdict.progressed())
            << "seed " << options.seed << " final " << verdict.finalized_after;
        evidence += verdict.evidence;
        certificates += verdict.certificates;
        final_before_heal += verdict.finalized_before > 0 ? 1 : 0;
    }
    // The runs are about something: liars are seen, and finality comes in the bad times too.
    EXPECT_TRUE(options.liars == 0 || evidence > 0);
    EXPECT_GT(certificates, 0U);
    EXPECT_GT(final_before_heal, 0U);
}

TEST(CertificateMesh, four_validators_with_a_liar_stay_safe_and_recover)
{
    expect_no_harm({.count = 4, .liars = 1}, 150);
}

TEST(CertificateMesh, seven_validators_with_two_liars_stay_safe_and_recover)
{
    expect_no_harm({.count = 7, .liars = 2}, 40);
}

TEST(CertificateMesh, ten_validators_with_three_liars_stay_safe_and_recover)
{
    expect_no_harm({.count = 10, .liars = 3}, 15);
}

TEST(CertificateMesh, silent_liars_do_not_stop_anybody)
{
    expect_no_harm({.count = 7, .liars = 2, .liars_go_on = false}, 20);
}

TEST(CertificateMesh, whole_engines_stay_safe_and_recover)
{
    expect_no_harm({.count = 4, .liars = 1, .with_tower = true}, 60);
    expect_no_harm({.count = 7, .liars = 2, .with_tower = true}, 20);
}

// ---- Planted defects ----------------------------------------------------------------------------

struct Mutant {
    const char* name;
    MeshOptions options; // where it shows
    std::uint64_t seed_limit;
};

Mutant mutant(const char* name, bool GadgetDefects::* defect, std::uint64_t seed_limit,
              MeshOptions options = {})
{
    options.defects.*defect = true;
    return {.name = name, .options = options, .seed_limit = seed_limit};
}

std::vector<Mutant> mutants()
{
    using D = GadgetDefects;
    return {
        mutant("base ignored", &D::base_ignored, 100),
        mutant("finalize after skip", &D::finalize_after_skip, 10),
        mutant("skip after finalize", &D::skip_after_finalize, 10),
        mutant("quorum short by one", &D::quorum_short_by_one, 10),
        // Only where two thirds is a whole number do > and >= differ.
        mutant("quorum is at least", &D::quorum_is_at_least, 10, {.count = 6, .liars = 1}),
        mutant("voter counted twice", &D::voter_counted_twice, 10),
        mutant("notarizes twice", &D::notarizes_twice, 20),
        mutant("sends before persist", &D::sends_before_persist, 100),
        mutant("journal not replayed", &D::journal_not_replayed, 20),
        mutant("certificates not journaled", &D::certificates_not_journaled, 1'500),
    };
}

bool caught(const Verdict& verdict)
{
    return !verdict.violation.empty() || !verdict.progressed();
}

TEST(CertificateMesh, every_planted_defect_is_seen)
{
    for (Mutant one : mutants()) {
        bool seen = false;
        std::string how;
        for (one.options.seed = 1; !seen && one.options.seed <= one.seed_limit;
             ++one.options.seed) {
            const Verdict verdict = run(one.options);
            seen = caught(verdict);
            how = verdict.violation.empty() ? "no progress" : verdict.violation;
        }
        EXPECT_TRUE(seen) << one.name << ": not in " << one.seed_limit << " seeds";
        RecordProperty(one.name, how + ", seed " + std::to_string(one.options.seed - 1));
        if (seen) {
            std::printf("%-28s seed %4llu  %s\n", one.name,
                        static_cast<unsigned long long>(one.options.seed - 1), how.c_str());
        }
    }
}

} // namespace
} // namespace belfry::consensus::testing
