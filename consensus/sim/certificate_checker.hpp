// SPDX-License-Identifier: Apache-2.0
#pragma once
// certificate_checker.hpp: the safety rules of certificates, from what is said, by whomever.
// Rules    of one honest validator, over all its lives:
//            C-S1 never two notarizations in one slot
//            C-S2 never a finalize and a skip of one slot
//            C-S3 never a finalize without its notarization
//          of all statements that were ever sent, while less than a third of stake lies:
//            C-S4 never two blocks of one slot with more than two thirds each
//            C-S5 never a slot with more than two thirds for finalize and for skip
// Bounds   one entry for each slot.

#include "base/bytes.hpp"
#include "consensus/certificate/statement.hpp"
#include "consensus/stake_table.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace belfry::consensus::sim {

class CertificateChecker {
public:
    CertificateChecker(const StakeTable& stakes, std::size_t machine_count);

    /// Names the first rule that it breaks. judges_all: C-S4 and C-S5 must hold.
    [[nodiscard]] std::optional<std::string> said(std::size_t machine, const Statement& statement,
                                                  bool honest, bool judges_all);

    /// A journal record became durable: a notarization in it binds its machine, sent or not.
    void durable(std::size_t machine, ByteView record);

private:
    struct Own {
        std::optional<Hash> notarized;
        bool skipped = false;
        bool finalized = false;
    };
    struct Version {
        Hash id;
        ValidatorSet voters;
        Stake stake;
    };
    struct Tally {
        std::vector<Version> versions;
        ValidatorSet skippers;
        ValidatorSet finalizers;
        Stake skipped;
        Stake finalized;
    };
    [[nodiscard]] std::optional<std::string> check_own(std::size_t machine,
                                                       const Statement& statement, Slot slot);
    [[nodiscard]] std::optional<std::string> count(const Statement& statement, Slot slot);
    void add(ValidatorSet& voters, Stake& stake, ValidatorIndex who) const;
    [[nodiscard]] bool is_quorum(Stake stake) const
    {
        return stakes_.is_more_than(stake, two_thirds);
    }

    const StakeTable& stakes_;
    std::vector<std::vector<Own>> own_; // by machine, by slot
    std::vector<Tally> tallies_;        // by slot
};

} // namespace belfry::consensus::sim
