// SPDX-License-Identifier: Apache-2.0
#include "node/demo/ledger_audit.hpp"

#include <fmt/core.h>
#include <lmdb.h>
#include <openssl/sha.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

namespace belfry::node {
namespace {

[[noreturn]] void fail(const std::string& what)
{
    throw std::runtime_error("audit: " + what);
}

ByteView content_of(const MDB_val& value)
{
    constexpr std::size_t checksum_bytes = 4; // at the end of every value
    if (value.mv_size < checksum_bytes) {
        fail("a record is shorter than its checksum");
    }
    return {static_cast<const std::uint8_t*>(value.mv_data), value.mv_size - checksum_bytes};
}

void append_big_endian(Bytes& out, std::uint64_t value, int byte_count)
{
    for (int shift = 8 * (byte_count - 1); shift >= 0; shift -= 8) {
        out.push_back(static_cast<std::uint8_t>(value >> shift));
    }
}

std::uint64_t big_endian(ByteView bytes)
{
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) {
        value = (value << 8) | byte;
    }
    return value;
}

/// One read-only view of the file for the whole audit.
class LedgerFile {
public:
    explicit LedgerFile(const std::filesystem::path& file)
    {
        MDB_env* env = nullptr;
        check(mdb_env_create(&env), "create");
        env_.reset(env);
        check(mdb_env_set_maxdbs(env, 16), "databases");
        const int opened = mdb_env_open(env, file.c_str(), MDB_NOSUBDIR | MDB_RDONLY, 0);
        if (opened != 0) {
            fail(file.string() + ": " + mdb_strerror(opened));
        }
        check(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn_), "begin");
    }
    ~LedgerFile() { mdb_txn_abort(txn_); }
    LedgerFile(const LedgerFile&) = delete;
    LedgerFile& operator=(const LedgerFile&) = delete;

    [[nodiscard]] std::optional<ByteView> get(const char* database, const Bytes& key) const
    {
        Bytes copy = key;
        MDB_val name{copy.size(), copy.data()};
        MDB_val value{};
        const int got = mdb_get(txn_, handle(database), &name, &value);
        if (got == MDB_NOTFOUND) {
            return std::nullopt;
        }
        check(got, database);
        return content_of(value);
    }

    void each(const char* database, const std::function<void(ByteView, ByteView)>& visit) const
    {
        MDB_cursor* cursor = nullptr;
        check(mdb_cursor_open(txn_, handle(database), &cursor), database);
        const std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> owner(cursor, mdb_cursor_close);
        MDB_val key{};
        MDB_val value{};
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            visit({static_cast<const std::uint8_t*>(key.mv_data), key.mv_size}, content_of(value));
        }
    }

private:
    static void check(int status, const char* what)
    {
        if (status != 0) {
            fail(std::string(what) + ": " + mdb_strerror(status));
        }
    }
    MDB_dbi handle(const char* database) const
    {
        MDB_dbi dbi = 0;
        check(mdb_dbi_open(txn_, database, 0, &dbi), database);
        return dbi;
    }
    struct Close {
        void operator()(MDB_env* env) const { mdb_env_close(env); }
    };
    std::unique_ptr<MDB_env, Close> env_;
    MDB_txn* txn_ = nullptr;
};

Bytes stream_of(const LedgerFile& file, Slot slot, const Hash& id)
{
    Bytes key;
    append_big_endian(key, slot.value, 8);
    key.insert(key.end(), id.bytes.begin(), id.bytes.end());
    const std::optional<ByteView> record = file.get("blocks", key);
    if (!record) {
        fail(fmt::format("block {} is final but not stored", slot.value));
    }
    constexpr std::size_t before_roots = 8 + 32 + 8 + 4;
    Bytes stream;
    ByteReader roots(record->subspan(std::min(before_roots, record->size())));
    for (std::uint32_t index = 0; roots.left() != 0; ++index) {
        const Hash root = roots.fixed<Hash>();
        Bytes set_key;
        append_big_endian(set_key, slot.value, 8);
        append_big_endian(set_key, index, 4);
        set_key.insert(set_key.end(), root.bytes.begin(), root.bytes.end());
        const std::optional<ByteView> set = file.get("sets", set_key);
        constexpr std::size_t before_payload = 8 + 8 + 4 + 3 + 2 + 32 + 32 + 64 + 4;
        if (!set || set->size() < before_payload) {
            fail(fmt::format("set {} of block {} is missing", index, slot.value));
        }
        const ByteView payload = set->subspan(before_payload);
        stream.insert(stream.end(), payload.begin(), payload.end());
    }
    return stream;
}

std::uint16_t short_count(ByteReader& in)
{
    unsigned value = 0;
    for (unsigned shift = 0; shift <= 14; shift += 7) {
        const unsigned byte = in.u8();
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return static_cast<std::uint16_t>(value);
}

struct PlainTransfer {
    Hash message_hash;
    std::uint16_t signature_count = 0;
    Pubkey from; // pays the fee as well
    Pubkey to;
    std::uint64_t lamports = 0;
};

/// Legacy messages of one System transfer paid by its sender; anything else fails the audit.
PlainTransfer read_transfer(ByteView wire)
{
    PlainTransfer transfer;
    ByteReader in(wire);
    transfer.signature_count = short_count(in);
    (void)in.bytes(std::size_t{64} * transfer.signature_count);
    const ByteView message = wire.subspan(std::min(in.position(), wire.size()));
    (void)SHA256(message.data(), message.size(), transfer.message_hash.bytes.data());
    (void)in.bytes(3);
    std::vector<Pubkey> keys(short_count(in));
    for (Pubkey& key : keys) {
        key = in.fixed<Pubkey>();
    }
    (void)in.bytes(32);
    const std::uint16_t instruction_count = short_count(in);
    const std::uint8_t program = in.u8();
    const std::uint16_t account_count = short_count(in);
    const std::uint8_t from = in.u8();
    const std::uint8_t to = in.u8();
    const std::uint16_t data_bytes = short_count(in);
    const std::uint32_t tag = in.u32();
    transfer.lamports = in.u64();
    const bool plain = in.finished() && instruction_count == 1 && account_count == 2 &&
                       data_bytes == 12 && tag == 2 && from == 0 && to < keys.size() &&
                       program < keys.size() && keys[program] == Pubkey{};
    if (!plain) {
        fail("a transaction on the ledger is not a plain transfer");
    }
    transfer.from = keys[from];
    transfer.to = keys[to];
    return transfer;
}

/// The slow obvious model of execution.
class Balances {
public:
    explicit Balances(const AuditRules& rules)
        : rules_(rules)
        , lamports_(rules.genesis)
    {
    }

    /// The error, empty when the transfer took effect. The fee is charged either way.
    std::string apply(const PlainTransfer& transfer)
    {
        const std::uint64_t fee = rules_.lamports_per_signature * transfer.signature_count;
        std::uint64_t& payer = lamports_[transfer.from];
        if (payer < fee) {
            fail("a block holds a transaction whose payer cannot pay the fee");
        }
        payer -= fee;
        fees += fee;
        burnt += fee * rules_.burn_percent / 100;
        if (payer < transfer.lamports) {
            return "InstructionError: Custom 1";
        }
        const std::uint64_t from_after = payer - transfer.lamports;
        const std::uint64_t to_after = lamports_[transfer.to] + transfer.lamports;
        if (transfer.from != transfer.to && (below_rent(from_after) || below_rent(to_after))) {
            return "InsufficientFundsForRent";
        }
        if (transfer.from != transfer.to) {
            lamports_[transfer.from] = from_after;
            lamports_[transfer.to] = to_after;
        }
        return {};
    }

    /// Compares with the accounts on disk. Fees go to whoever led, so the fee takers are compared
    /// by their sum. Empty when everything is equal.
    [[nodiscard]] std::string compare(std::map<Pubkey, std::uint64_t> disk) const
    {
        std::map<Pubkey, std::uint64_t> model = lamports_;
        std::uint64_t takers_model = fees - burnt;
        std::uint64_t takers_disk = 0;
        for (const Pubkey& taker : rules_.fee_takers) {
            takers_model += model[taker];
            takers_disk += disk[taker];
            model.erase(taker);
            disk.erase(taker);
        }
        std::erase_if(model, [](const auto& entry) { return entry.second == 0; });
        if (takers_model != takers_disk) {
            return fmt::format("validators hold {} lamports, they should hold {}", takers_disk,
                               takers_model);
        }
        if (model != disk) {
            return "an account on disk differs from the replayed transfers";
        }
        return {};
    }

    std::uint64_t fees = 0;
    std::uint64_t burnt = 0;

private:
    [[nodiscard]] bool below_rent(std::uint64_t lamports) const
    {
        return lamports != 0 && lamports < rules_.rent_exempt_minimum;
    }
    const AuditRules& rules_;
    std::map<Pubkey, std::uint64_t> lamports_;
};

void read_block(ByteView stream, Balances& balances, LedgerAudit& audit, AuditBlock& block)
{
    ByteReader in(stream);
    bool ended = false;
    while (in.ok() && !ended) {
        const std::uint8_t kind = in.u8();
        if (kind == 2) {
            (void)in.bytes(8 + 32 + 32);
            ended = true;
            continue;
        }
        if (kind == 3) {
            (void)in.bytes(in.u16()); // a certificate
            continue;
        }
        (void)in.bytes(4 + 32);
        const unsigned count = kind == 1 ? in.u16() : 0U;
        for (unsigned i = 0; i < count && in.ok(); ++i) {
            const std::uint16_t wire_bytes = in.u16();
            const PlainTransfer transfer = read_transfer(in.bytes(wire_bytes));
            AuditOutcome& outcome = audit.transactions[transfer.message_hash];
            if (++outcome.times > 1) {
                ++audit.executed_twice;
            }
            outcome.slot = block.slot;
            outcome.error = balances.apply(transfer);
            ++block.transaction_count;
        }
    }
    if (!in.finished()) {
        fail(fmt::format("the entries of block {} cannot be read", block.slot.value));
    }
}

} // namespace

LedgerAudit audit_ledger(const std::filesystem::path& ledger_file, const AuditRules& rules)
{
    const LedgerFile file(ledger_file);
    LedgerAudit audit;
    const std::optional<ByteView> anchor = file.get("meta", Bytes{'a', 'n', 'c', 'h', 'o', 'r'});
    std::map<Pubkey, std::uint64_t> on_disk;
    if (anchor) {
        audit.anchor_slot = Slot{ByteReader(*anchor).u64()};
        file.each("accounts", [&on_disk](ByteView key, ByteView value) {
            on_disk[Pubkey::from(key)] = ByteReader(value).u64();
        });
    } else {
        on_disk = rules.genesis;
    }
    Balances balances(rules);
    bool compared = false;
    const auto compare = [&] {
        compared = true;
        audit.balances_why = balances.compare(on_disk);
        audit.balances_add_up = audit.balances_why.empty();
    };
    file.each("chain", [&](ByteView key, ByteView value) {
        AuditBlock block;
        block.slot = Slot{big_endian(key)};
        if (block.slot > audit.anchor_slot && !compared) {
            compare();
        }
        if (block.slot == Slot{}) {
            return; // genesis has no entries
        }
        block.id = Hash::from(value.first(32));
        read_block(stream_of(file, block.slot, block.id), balances, audit, block);
        audit.blocks.push_back(block);
    });
    if (!compared) {
        compare();
    }
    audit.fees = balances.fees;
    audit.burnt = balances.burnt;
    return audit;
}

} // namespace belfry::node
