#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace hf::test {

/// A DICOM file made element by element, Explicit VR Little Endian (PS3.5 7.1, PS3.10 7.1). Elements are added in the order of their tags.
class DicomBytes {
public:
    void add(std::uint16_t group, std::uint16_t tag, const std::string& vr, const std::string& value) { append(m_dataset, group, tag, vr, value); }
    void addShort(std::uint16_t group, std::uint16_t tag, int value) { add(group, tag, "US", number(std::uint32_t(value), 2)); }
    void addPixels(const std::vector<std::uint16_t>& values)
    {
        std::string bytes;
        bytes.reserve(values.size() * 2);
        for (const std::uint16_t value : values) {
            bytes += number(value, 2);
        }
        add(0x7FE0, 0x10, "OW", bytes);
    }
    void write(const std::filesystem::path& file, const std::string& sopClass, const std::string& sopInstance) const
    {
        std::string meta, head;
        append(meta, 2, 1, "OB", std::string("\0\1", 2));
        append(meta, 2, 2, "UI", sopClass);
        append(meta, 2, 3, "UI", sopInstance);
        append(meta, 2, 0x10, "UI", "1.2.840.10008.1.2.1");
        append(meta, 2, 0x12, "UI", "2.25.78");
        append(head, 2, 0, "UL", number(std::uint32_t(meta.size()), 4));
        std::ofstream stream(file, std::ios::binary);
        stream << std::string(128, '\0') << "DICM" << head << meta << m_dataset;
    }

private:
    static std::string number(std::uint32_t value, int count)
    {
        std::string bytes;
        for (int n = 0; n < count; ++n) {
            bytes += char(value >> (8 * n) & 0xFF);
        }
        return bytes;
    }
    static void append(std::string& to, std::uint16_t group, std::uint16_t tag, const std::string& vr, std::string value)
    {
        value += value.size() % 2 ? (vr == "UI" ? std::string(1, '\0') : " ") : "";
        to += number(group, 2) + number(tag, 2) + vr;
        to += vr == "OB" || vr == "OW" || vr == "UN" ? number(0, 2) + number(std::uint32_t(value.size()), 4) : number(std::uint32_t(value.size()), 2);
        to += value;
    }

    std::string m_dataset;
};

} // namespace hf::test
