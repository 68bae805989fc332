// SPDX-License-Identifier: Apache-2.0
#include "crypto/keypair.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace belfry::crypto {
namespace {

namespace fs = std::filesystem;

/// A folder of its own that goes with the test.
class Folder {
public:
    Folder()
    {
        std::string name = (fs::temp_directory_path() / "belfry_keypair_XXXXXX").string();
        path_ = ::mkdtemp(name.data()) != nullptr ? name : "";
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] fs::path file(const char* name) const { return path_ / name; }

private:
    fs::path path_;
};

fs::path write_file(const fs::path& path, const std::string& text, mode_t mode = 0600)
{
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
}

std::string key_text(ByteView seed, std::uint8_t flip = 0)
{
    const Pubkey pubkey = Keypair::from_seed(seed).pubkey();
    std::string text = "[ ";
    for (std::size_t i = 0; i < 64; ++i) {
        const unsigned value = i < 32 ? seed[i] : pubkey.bytes[i - 32] ^ (i == 63 ? flip : 0U);
        text += (i == 0 ? "" : ", ") + std::to_string(value);
    }
    return text + "]\n";
}

std::string load_error(const fs::path& file)
{
    try {
        (void)Keypair::load(file);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

bool mentions(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

Bytes statement_of(SigningPurpose purpose, std::size_t body_bytes)
{
    const std::string_view tag = signing_tag(purpose);
    Bytes out(tag.begin(), tag.end());
    const Bytes rest = random_bytes(Hash::size_bytes + body_bytes, 2);
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
}

Bytes vote_statement(std::size_t body_bytes)
{
    return statement_of(SigningPurpose::vote, body_bytes);
}

TEST(Keypair, signs_what_libsodium_accepts_with_the_key_of_the_seed)
{
    const Bytes seed = random_bytes(32, 1);
    const Keypair keypair = Keypair::from_seed(seed);
    std::array<std::uint8_t, 32> pubkey{};
    std::array<std::uint8_t, 64> secret{};
    ASSERT_EQ(crypto_sign_seed_keypair(pubkey.data(), secret.data(), seed.data()), 0);
    EXPECT_EQ(keypair.pubkey().bytes, pubkey);
    const Bytes message = vote_statement(100);
    const Signature signature = keypair.sign(SigningPurpose::vote, message);
    EXPECT_EQ(crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(),
                                          pubkey.data()),
              0);
}

TEST(Keypair, two_fresh_keys_differ)
{
    EXPECT_NE(Keypair::generate().pubkey(), Keypair::generate().pubkey());
}

TEST(Keypair, comes_back_from_its_file_which_others_cannot_read)
{
    const Folder folder;
    const fs::path file = folder.file("key.json");
    const Keypair keypair = Keypair::generate();
    keypair.save(file);
    struct stat status = {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    const Keypair loaded = Keypair::load(file);
    EXPECT_EQ(loaded.pubkey(), keypair.pubkey());
    EXPECT_EQ(loaded.sign(SigningPurpose::vote, vote_statement(9)),
              keypair.sign(SigningPurpose::vote, vote_statement(9)));
}

TEST(Keypair, does_not_overwrite_a_file)
{
    const Folder folder;
    const fs::path file = write_file(folder.file("key.json"), "precious");
    EXPECT_THROW(Keypair::generate().save(file), std::runtime_error);
    std::string text;
    std::ifstream(file) >> text;
    EXPECT_EQ(text, "precious");
}

TEST(Keypair, reads_the_form_of_other_tools)
{
    const Folder folder;
    const Bytes seed = random_bytes(32, 4);
    const fs::path file = write_file(folder.file("key.json"), key_text(seed));
    EXPECT_EQ(Keypair::load(file).pubkey(), Keypair::from_seed(seed).pubkey());
}

TEST(Keypair, refuses_files_that_are_open_to_others_or_not_plain)
{
    const Folder folder;
    const std::string text = key_text(random_bytes(32, 5));
    for (const mode_t mode : {mode_t{0640}, mode_t{0604}, mode_t{0610}, mode_t{0620}}) {
        const fs::path file = write_file(folder.file("open.json"), text, mode);
        EXPECT_TRUE(mentions(load_error(file), "chmod 600")) << mode;
    }
    const fs::path good = write_file(folder.file("good.json"), text);
    EXPECT_EQ(load_error(good), "");
    fs::create_symlink(good, folder.file("link.json"));
    EXPECT_TRUE(mentions(load_error(folder.file("link.json")), "symbolic link"));
    ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
    EXPECT_TRUE(mentions(load_error(folder.file("fifo")), "regular file"));
    EXPECT_TRUE(mentions(load_error(folder.file("absent")), "No such file"));
}

TEST(Keypair, refuses_damaged_files_and_says_nothing_of_their_content)
{
    const Folder folder;
    const Bytes seed = random_bytes(32, 6);
    const std::string good = key_text(seed);
    const std::string bad_texts[] = {
        "",
        "[]",
        good.substr(0, good.size() / 2),
        good + "1",
        "[256" + good.substr(good.find(',')),
        "[-1" + good.substr(good.find(',')),
        "[1e1" + good.substr(good.find(',')),
        "[0001" + good.substr(good.find(',')),
        "[" + good.substr(good.find(',')),
        std::string(100'000, ' '),
    };
    for (const std::string& text : bad_texts) {
        const std::string error = load_error(write_file(folder.file("bad.json"), text));
        EXPECT_NE(error, "") << text;
        EXPECT_FALSE(mentions(error, std::to_string(seed[0]) + ", "));
    }
    const fs::path halves = write_file(folder.file("halves.json"), key_text(seed, 1));
    EXPECT_TRUE(mentions(load_error(halves), "public key does not belong"));
}

TEST(Keypair, refuses_a_file_of_another_user)
{
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a file away";
    }
    const Folder folder;
    const fs::path file = write_file(folder.file("key.json"), key_text(random_bytes(32, 5)));
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
    EXPECT_TRUE(mentions(load_error(file), "belongs to user 65534; run: chown 0 "));
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
    EXPECT_EQ(load_error(file), "");
    ASSERT_EQ(::chown(file.parent_path().c_str(), 65534, 65534), 0);
    EXPECT_TRUE(mentions(load_error(file), "its directory belongs to user 65534"));
}

TEST(Keypair, refuses_a_directory_where_others_may_put_another_file_in_its_place)
{
    const Folder folder;
    const fs::path file = write_file(folder.file("key.json"), key_text(random_bytes(32, 5)));
    for (const mode_t mode : {mode_t{0770}, mode_t{0720}, mode_t{0707}, mode_t{0777}}) {
        ASSERT_EQ(::chmod(file.parent_path().c_str(), mode), 0);
        EXPECT_TRUE(mentions(load_error(file), "chmod go-w")) << mode;
        EXPECT_THROW(Keypair::generate().save(folder.file("new.json")), std::runtime_error);
    }
    EXPECT_FALSE(fs::exists(folder.file("new.json")));
    for (const mode_t mode : {mode_t{0755}, mode_t{0700}, mode_t{01777}}) { // as /tmp
        ASSERT_EQ(::chmod(file.parent_path().c_str(), mode), 0);
        EXPECT_EQ(load_error(file), "") << mode;
    }
}

TEST(Keypair, leaves_no_descriptor_open)
{
    const Folder folder;
    const fs::path file = folder.file("key.json");
    const auto open_count = [] {
        return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
    };
    const auto before = open_count();
    Keypair::generate().save(file);
    (void)Keypair::load(file);
    EXPECT_THROW(Keypair::generate().save(file), std::runtime_error);
    ::chmod(file.c_str(), 0644);
    EXPECT_THROW((void)Keypair::load(file), std::runtime_error);
    ::chmod(file.parent_path().c_str(), 0777);
    EXPECT_THROW((void)Keypair::load(file), std::runtime_error);
    EXPECT_EQ(open_count(), before);
}

constexpr std::array purposes{SigningPurpose::vote, SigningPurpose::shred_set,
                              SigningPurpose::repair, SigningPurpose::transaction};

TEST(Keypair, a_statement_is_of_one_purpose_at_most)
{
    Bytes transfer(200, 7);
    transfer[0] = 1;
    Bytes versioned = transfer;
    versioned[0] = 0x80;
    versioned[1] = 2;
    for (const SigningPurpose purpose : purposes) {
        const bool is_transaction = purpose == SigningPurpose::transaction;
        const Bytes statement = is_transaction ? transfer : statement_of(purpose, 40);
        for (const SigningPurpose other : purposes) {
            EXPECT_EQ(is_statement_of(other, statement), other == purpose);
        }
        EXPECT_EQ(is_statement_of(purpose, versioned), is_transaction);
        EXPECT_FALSE(is_statement_of(purpose, {}));
        EXPECT_FALSE(is_statement_of(purpose, ByteView(statement).first(30)));
    }
    for (int first = 0; first < 256; ++first) { // raw bytes of any kind
        const Bytes raw(300, static_cast<std::uint8_t>(first));
        for (const SigningPurpose purpose : purposes) {
            const bool as_transaction = first >= 1 && first <= 18;
            EXPECT_EQ(is_statement_of(purpose, raw),
                      as_transaction && purpose == SigningPurpose::transaction);
        }
    }
}

TEST(KeypairDeathTest, does_not_sign_raw_bytes_nor_one_purpose_for_another)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    const Keypair keypair = Keypair::generate();
    const Bytes raw = random_bytes(64, 3);
    EXPECT_DEATH((void)keypair.sign(SigningPurpose::vote, raw), "is_statement_of");
    EXPECT_DEATH((void)keypair.sign(SigningPurpose::transaction, vote_statement(80)),
                 "is_statement_of");
    EXPECT_DEATH((void)keypair.sign(SigningPurpose::repair, vote_statement(80)), "is_statement_of");
}

TEST(KeypairDeathTest, its_secret_cannot_be_read_between_uses)
{
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    const Keypair keypair = Keypair::generate();
    // The only pointer a Keypair holds is to its secret, right after the public key.
    const std::uint8_t* secret = nullptr;
    static_assert(sizeof(Keypair) == sizeof(Pubkey) + sizeof(secret));
    std::memcpy(static_cast<void*>(&secret),
                reinterpret_cast<const std::uint8_t*>(&keypair) + sizeof(Pubkey), sizeof(secret));
    EXPECT_DEATH(
        {
            (void)*static_cast<const volatile std::uint8_t*>(secret);
            std::_Exit(0); // it could be read: not a death
        },
        "");
}

} // namespace
} // namespace belfry::crypto
