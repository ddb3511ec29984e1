#include "viewer/imaging/StoredVoxels.h"

#include "viewer/volume/Error.h"

#include <zlib.h>

#include <fstream>
#include <memory>
#include <vector>

namespace hf::imaging {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void endsEarly() { throw Error("the file ends before its voxels do", "broken"); }

/// Bytes of voxels that one byte of the file can become at most.
double growth(StoredVoxels::Packing packing)
{
    switch (packing) {
    case StoredVoxels::Packing::None: return 1;
    case StoredVoxels::Packing::Deflate: return 1032;
    case StoredVoxels::Packing::Text: return 8;     // a digit and a space may be a double
    case StoredVoxels::Packing::Unknown: return 1e5;
    }
    return 1;
}

} // namespace

void checkLength(const StoredVoxels& stored, double bytes)
{
    std::error_code error;
    if (!fs::is_regular_file(stored.file, error)) {
        throw Error("there is no file " + stored.file.filename().string() + " with the voxels", "broken");
    }
    if ((double(fs::file_size(stored.file, error)) - stored.offset) * growth(stored.packing) < stored.skipped + bytes) {
        endsEarly();
    }
}

void checkStream(const StoredVoxels& stored, double bytes)
{
    if (stored.packing != StoredVoxels::Packing::Deflate) {
        return;
    }
    constexpr int kGzipOrZlib = 47;     // of inflateInit2
    constexpr double kBeyond = 64e6;    // looked at after the voxels, for the end of the stream
    std::ifstream file(stored.file, std::ios::binary);
    file.seekg(std::streamoff(stored.offset));
    std::vector<Bytef> in(1 << 18), out(1 << 20);
    z_stream stream{};
    if (inflateInit2(&stream, kGzipOrZlib) != Z_OK) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> ended(&stream, inflateEnd);
    const double needed = stored.skipped + bytes;
    double total = 0;
    int state = Z_OK;
    while (total < needed + kBeyond) {
        if (stream.avail_in == 0) {
            file.read(reinterpret_cast<char*>(in.data()), std::streamsize(in.size()));
            stream.next_in = in.data();
            stream.avail_in = uInt(file.gcount());
            if (stream.avail_in == 0) {
                break;
            }
        }
        if (state == Z_STREAM_END && (total >= needed || inflateReset(&stream) != Z_OK)) {    // a file may be several streams
            break;
        }
        stream.next_out = out.data();
        stream.avail_out = uInt(out.size());
        state = inflate(&stream, Z_NO_FLUSH);
        total += double(out.size() - stream.avail_out);
        if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
            throw Error(total < needed ? "the compressed voxels are damaged" : "the checksum of the compressed voxels is wrong", "broken");
        }
    }
    if (total < needed || (state != Z_STREAM_END && total < needed + kBeyond)) {
        endsEarly();
    }
}

} // namespace hf::imaging
