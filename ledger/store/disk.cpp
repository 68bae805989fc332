// SPDX-License-Identifier: Apache-2.0
#include "ledger/store/disk.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace belfry::ledger {

namespace {
DiskError disk_error(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG ? DiskError::full : DiskError::io;
}

class Descriptor {
public:
    explicit Descriptor(int value)
        : value_(value)
    {
    }
    Descriptor(Descriptor&& other) noexcept
        : value_(std::exchange(other.value_, -1))
    {
    }
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor()
    {
        if (value_ >= 0) {
            ::close(value_);
        }
    }
    [[nodiscard]] int get() const { return value_; }

private:
    int value_;
};

class PosixFile final : public DiskFile {
public:
    explicit PosixFile(Descriptor descriptor)
        : descriptor_(std::move(descriptor))
    {
    }

    Result<void, DiskError> write_at(std::uint64_t offset, ByteView bytes) override
    {
        while (!bytes.empty()) {
            const ssize_t written =
                ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) {
                continue; // nothing was written yet
            }
            if (written <= 0) {
                return std::unexpected(disk_error(written == 0 ? EIO : errno));
            }
            offset += static_cast<std::uint64_t>(written);
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return {};
    }

    Result<void, DiskError> sync() override
    {
        if (::fdatasync(descriptor_.get()) != 0) {
            return std::unexpected(disk_error(errno));
        }
        return {};
    }

private:
    Descriptor descriptor_;
};

class PosixDisk final : public Disk {
public:
    explicit PosixDisk(const std::filesystem::path& directory)
        : directory_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    {
        if (directory_.get() < 0) {
            throw std::system_error(errno, std::generic_category(),
                                    fmt::format("{}: cannot be opened", directory.string()));
        }
    }

    Result<std::optional<Bytes>, DiskError> read(std::string_view name) override
    {
        const Descriptor file = open_name(name, O_RDONLY);
        if (file.get() < 0) {
            if (errno == ENOENT) {
                return std::nullopt;
            }
            return std::unexpected(disk_error(errno));
        }
        struct stat status{};
        if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
            return std::unexpected(DiskError::io);
        }
        Bytes content(static_cast<std::size_t>(status.st_size));
        std::size_t done = 0;
        while (done < content.size()) {
            const ssize_t count = ::pread(file.get(), content.data() + done, content.size() - done,
                                          static_cast<off_t>(done));
            if (count <= 0) {
                return std::unexpected(DiskError::io);
            }
            done += static_cast<std::size_t>(count);
        }
        return content;
    }

    Result<std::unique_ptr<DiskFile>, DiskError> create(std::string_view name,
                                                        std::uint64_t size_bytes) override
    {
        Descriptor file = open_name(name, O_RDWR | O_CREAT | O_TRUNC);
        if (file.get() < 0) {
            return std::unexpected(disk_error(errno));
        }
        if (const int code = ::posix_fallocate(file.get(), 0, static_cast<off_t>(size_bytes));
            code != 0) {
            return std::unexpected(disk_error(code));
        }
        return std::make_unique<PosixFile>(std::move(file));
    }

    Result<std::unique_ptr<DiskFile>, DiskError> open(std::string_view name) override
    {
        Descriptor file = open_name(name, O_RDWR);
        if (file.get() < 0) {
            return std::unexpected(disk_error(errno));
        }
        return std::make_unique<PosixFile>(std::move(file));
    }

    Result<void, DiskError> rename(std::string_view from, std::string_view target) override
    {
        if (::renameat(directory_.get(), std::string(from).c_str(), directory_.get(),
                       std::string(target).c_str()) != 0) {
            return std::unexpected(disk_error(errno));
        }
        return {};
    }

    Result<void, DiskError> sync_directory() override
    {
        if (::fsync(directory_.get()) != 0) {
            return std::unexpected(disk_error(errno));
        }
        return {};
    }

private:
    [[nodiscard]] Descriptor open_name(std::string_view name, int flags) const
    {
        return Descriptor(::openat(directory_.get(), std::string(name).c_str(),
                                   flags | O_CLOEXEC | O_NOFOLLOW, 0600));
    }
    Descriptor directory_;
};
} // namespace

std::unique_ptr<Disk> open_disk(const std::filesystem::path& directory)
{
    return std::make_unique<PosixDisk>(directory);
}

} // namespace belfry::ledger
