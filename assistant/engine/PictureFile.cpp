#include "assistant/engine/PictureFile.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include <jpeglib.h>
#include <png.h>

namespace hf::assistant {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kMostPixels = 400'000'000;

void reserve(Picture& picture, std::uint64_t width, std::uint64_t height)
{
    if (width == 0 || height == 0 || width * height > kMostPixels) {
        throw Error("the picture has " + std::to_string(width) + " x " + std::to_string(height) + " pixels, which is not supported", "picture");
    }
    picture = {int(width), int(height), Bytes(width * height * 3)};
}

// Both libraries leave on errors by longjmp. What has a destructor lives outside the functions that may be left that way.

struct PngReading {
    const Bytes& bytes;
    std::size_t at = 8;
    Picture picture;
    std::vector<png_bytep> rows;
    std::array<char, 200> error{};
    png_structp png = nullptr;
    png_infop info = nullptr;

    explicit PngReading(const Bytes& b) : bytes(b) {}
    ~PngReading() { png_destroy_read_struct(&png, &info, nullptr); }
    PngReading(const PngReading&) = delete;
    PngReading& operator=(const PngReading&) = delete;
};

void pngError(png_structp png, png_const_charp message)
{
    auto* reading = static_cast<PngReading*>(png_get_error_ptr(png));
    std::snprintf(reading->error.data(), reading->error.size(), "%s", message);
    png_longjmp(png, 1);
}

void pngTake(png_structp png, png_bytep target, std::size_t count)
{
    auto* reading = static_cast<PngReading*>(png_get_io_ptr(png));
    if (count > reading->bytes.size() - reading->at) {
        png_error(png, "the file ends too early");
    }
    std::memcpy(target, reading->bytes.data() + reading->at, count);
    reading->at += count;
}

bool pngHeader(PngReading& r)
{
    if (setjmp(png_jmpbuf(r.png))) {
        return false;
    }
    png_set_read_fn(r.png, &r, &pngTake);
    png_set_sig_bytes(r.png, 8);
    png_read_info(r.png, r.info);
    png_set_strip_16(r.png);
    png_set_packing(r.png);
    png_set_strip_alpha(r.png);
    if (png_get_color_type(r.png, r.info) == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(r.png);
    } else {
        png_set_expand_gray_1_2_4_to_8(r.png);
        png_set_gray_to_rgb(r.png);
    }
    png_set_interlace_handling(r.png);
    png_read_update_info(r.png, r.info);
    return true;
}

bool pngPixels(PngReading& r)
{
    if (setjmp(png_jmpbuf(r.png))) {
        return false;
    }
    png_read_image(r.png, r.rows.data());
    png_read_end(r.png, nullptr);
    return true;
}

Picture readPng(const Bytes& bytes)
{
    PngReading r(bytes);
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, &pngError, [](png_structp, png_const_charp) {});
    r.info = r.png ? png_create_info_struct(r.png) : nullptr;
    HF_ASSERT(r.png && r.info);
    bool good = pngHeader(r);
    if (good) {
        reserve(r.picture, png_get_image_width(r.png, r.info), png_get_image_height(r.png, r.info));
        const std::size_t stride = std::size_t(r.picture.width) * 3;
        good = png_get_rowbytes(r.png, r.info) == stride;
        for (int row = 0; row < r.picture.height; ++row) {
            r.rows.push_back(r.picture.rgb.data() + std::size_t(row) * stride);
        }
        good = good && pngPixels(r);
    }
    if (!good) {
        throw Error(std::string("the PNG file is broken: ") + r.error.data(), "picture");
    }
    return std::move(r.picture);
}

/// Inks, inverted as Adobe's programs write them, to RGB with Pillow's rounding.
void rgbOfInks(const std::uint8_t* inks, std::size_t pixels, std::uint8_t* rgb)
{
    for (std::size_t n = 0; n < pixels; ++n, inks += 4) {
        const int light = inks[3];
        for (int channel = 0; channel < 3; ++channel) {
            const int product = (255 - inks[channel]) * light + 128;
            *rgb++ = std::uint8_t(std::max(0, light - (((product >> 8) + product) >> 8)));
        }
    }
}

struct JpegReading {
    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr manager{};
    std::jmp_buf leave{};
    std::array<char, JMSG_LENGTH_MAX> error{};
    Picture picture;
    Bytes inks;     ///< of a row, where the file has four components

    JpegReading() = default;
    ~JpegReading() { jpeg_destroy_decompress(&jpeg); }
    JpegReading(const JpegReading&) = delete;
    JpegReading& operator=(const JpegReading&) = delete;
};

void jpegError(j_common_ptr jpeg)
{
    auto* reading = static_cast<JpegReading*>(jpeg->client_data);
    jpeg->err->format_message(jpeg, reading->error.data());
    std::longjmp(reading->leave, 1);
}

/// A file that ends within the picture is only a warning to the library.
void jpegMessage(j_common_ptr jpeg, int level)
{
    if (level < 0) {
        jpegError(jpeg);
    }
}

bool jpegHeader(JpegReading& r, const Bytes& bytes)
{
    if (setjmp(r.leave)) {
        return false;
    }
    jpeg_create_decompress(&r.jpeg);
    jpeg_mem_src(&r.jpeg, bytes.data(), bytes.size());
    jpeg_read_header(&r.jpeg, TRUE);
    r.jpeg.out_color_space = r.jpeg.num_components == 4 ? JCS_CMYK : JCS_RGB;
    return true;
}

bool jpegPixels(JpegReading& r)
{
    if (setjmp(r.leave)) {
        return false;
    }
    jpeg_start_decompress(&r.jpeg);
    while (r.jpeg.output_scanline < r.jpeg.output_height) {
        std::uint8_t* const rgb = r.picture.rgb.data() + std::size_t(r.jpeg.output_scanline) * std::size_t(r.picture.width) * 3;
        JSAMPROW row = r.inks.empty() ? rgb : r.inks.data();
        jpeg_read_scanlines(&r.jpeg, &row, 1);
        if (!r.inks.empty()) {
            rgbOfInks(r.inks.data(), std::size_t(r.picture.width), rgb);
        }
    }
    jpeg_finish_decompress(&r.jpeg);
    return true;
}

Picture readJpeg(const Bytes& bytes)
{
    JpegReading r;
    r.jpeg.client_data = &r;
    r.jpeg.err = jpeg_std_error(&r.manager);
    r.manager.error_exit = &jpegError;
    r.manager.emit_message = &jpegMessage;
    bool good = jpegHeader(r, bytes);
    if (good) {
        reserve(r.picture, r.jpeg.image_width, r.jpeg.image_height);
        r.inks.resize(r.jpeg.num_components == 4 ? r.jpeg.image_width * std::size_t(4) : 0);
        good = jpegPixels(r);
    }
    if (!good) {
        throw Error(std::string("the JPEG file cannot be read: ") + r.error.data(), "picture");
    }
    return std::move(r.picture);
}

} // namespace

Picture readPictureFile(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    if (!stream.is_open() || std::filesystem::is_directory(file)) {
        throw Error("cannot read " + file.string(), "file");
    }
    const Bytes bytes{std::istreambuf_iterator<char>(stream), {}};
    if (bytes.size() > 8 && png_sig_cmp(bytes.data(), 0, 8) == 0) {
        return readPng(bytes);
    }
    if (bytes.size() > 3 && bytes[0] == 0xFF && bytes[1] == 0xD8) {
        return readJpeg(bytes);
    }
    throw Error(file.string() + " is neither a PNG nor a JPEG file", "picture");
}

void writePngFile(const std::filesystem::path& file, const Picture& picture)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = png_uint_32(picture.width);
    image.height = png_uint_32(picture.height);
    image.format = PNG_FORMAT_RGB;
    if (png_image_write_to_file(&image, file.c_str(), 0, picture.rgb.data(), 0, nullptr) == 0) {
        throw Error("cannot write " + file.string() + ": " + image.message, "write");
    }
}

} // namespace hf::assistant
