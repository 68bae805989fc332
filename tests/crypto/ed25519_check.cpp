// SPDX-License-Identifier: Apache-2.0
// ed25519_check FILE: a tool that checks acceptance vectors (ed25519_vectors.hpp has the format)
// singly, in one batch and in random batches, on every kernel of this CPU. Prints counts and the
// first mismatches; exit 1 on any, 2 when the file cannot be read.
#include "crypto/ed25519_batch_engine.hpp"
#include "tests/crypto/ed25519_vectors.hpp"

#include <cstdio>
#include <memory>
#include <random>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t mismatches_shown = 10;
constexpr int random_rounds = 20;

class Checker {
public:
    explicit Checker(const testing::Ed25519Vectors& vectors)
        : vectors_(vectors)
    {
    }

    void check_singly()
    {
        for (const testing::Ed25519Vector& vector : vectors_.all) {
            compare(vector, vector.well_formed() && ed25519_verify(vector.job()), "single");
            compare(vector, vector.well_formed() && ed25519_verify_portable(vector.job()),
                    "single, portable");
        }
    }

    void check_batch(Ed25519BatchEngine<Zip215Rules>& engine,
                     const std::vector<const testing::Ed25519Vector*>& chosen, const char* how)
    {
        std::vector<Ed25519Job> jobs;
        std::vector<const testing::Ed25519Vector*> sources;
        for (const testing::Ed25519Vector* vector : chosen) {
            if (vector->well_formed()) {
                jobs.push_back(vector->job());
                sources.push_back(vector);
            } else {
                compare(*vector, false, how);
            }
        }
        const auto verdicts = std::make_unique<bool[]>(jobs.size());
        engine.verify(jobs, {verdicts.get(), jobs.size()});
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            compare(*sources[i], verdicts[i], how);
        }
    }

    void check_kernel(const Ed25519Lanes& lanes, const char* name)
    {
        Ed25519BatchEngine<Zip215Rules> engine({}, lanes);
        std::vector<const testing::Ed25519Vector*> all;
        for (const testing::Ed25519Vector& vector : vectors_.all) {
            all.push_back(&vector);
        }
        check_batch(engine, all, name);
        std::mt19937_64 random(all.size());
        for (int round = 0; round < random_rounds && !all.empty(); ++round) {
            std::vector<const testing::Ed25519Vector*> chosen(1 + random() % 200);
            for (auto& vector : chosen) {
                vector = all[random() % all.size()];
            }
            check_batch(engine, chosen, name);
        }
    }

    [[nodiscard]] std::size_t compared() const { return compared_; }
    [[nodiscard]] std::size_t wrong() const { return wrong_; }

private:
    void compare(const testing::Ed25519Vector& vector, bool verdict, const char* how)
    {
        ++compared_;
        if (verdict == vector.expected) {
            return;
        }
        if (++wrong_ <= mismatches_shown) {
            std::printf("MISMATCH %s: expected %d, got %d: %s %s\n", how, vector.expected ? 1 : 0,
                        verdict ? 1 : 0, to_hex(vector.key).c_str(), vector.source.c_str());
        }
    }

    const testing::Ed25519Vectors& vectors_;
    std::size_t compared_ = 0;
    std::size_t wrong_ = 0;
};

int run(const char* path)
{
    const auto vectors = testing::read_ed25519_vectors(path);
    if (!vectors) {
        std::printf("ed25519_check: cannot read %s\n", path);
        return 2;
    }
    for (const std::string& line : vectors->bad_lines) {
        std::printf("ed25519_check: not a vector: %.80s\n", line.c_str());
    }
    Checker checker(*vectors);
    checker.check_singly();
    for (const auto& kernel : ed25519_kernels()) {
        if (kernel.supported(cpu_features())) {
            checker.check_kernel(*kernel.run, kernel.name);
            std::printf("kernel %s checked\n", kernel.name);
        } else {
            std::printf("kernel %s skipped: not on this CPU\n", kernel.name);
        }
    }
    std::printf("%zu vectors, %zu verdicts, %zu mismatches, %zu unreadable lines\n",
                vectors->all.size(), checker.compared(), checker.wrong(),
                vectors->bad_lines.size());
    return checker.wrong() == 0 && vectors->bad_lines.empty() ? 0 : 1;
}

} // namespace
} // namespace belfry::crypto

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::printf("usage: ed25519_check FILE\n");
        return 2;
    }
    return belfry::crypto::run(argv[1]);
}
