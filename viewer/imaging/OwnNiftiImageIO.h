#pragma once

#include "viewer/imaging/NiftiHeader.h"

#include <itkImageIOBase.h>

// Internal to hf_imaging.
namespace hf::imaging {

/// Reads the voxels of NIfTI files that are not for ITK's own reader (NiftiHeader::isForItk). Debian's libnifti2 names its functions like the
/// library inside ITK; a program cannot have both. Places are the header's: see NiftiHeader::sform.
class OwnNiftiImageIO : public itk::ImageIOBase {
public:
    ITK_DISALLOW_COPY_AND_MOVE(OwnNiftiImageIO);
    using Self = OwnNiftiImageIO;
    using Superclass = itk::ImageIOBase;
    using Pointer = itk::SmartPointer<Self>;
    itkNewMacro(Self);
    itkTypeMacro(OwnNiftiImageIO, itk::ImageIOBase);

    void setHeader(NiftiHeader header) { m_header = std::move(header); }

    bool CanReadFile(const char*) override { return !m_header.isForItk; }
    /// @throws Error for a data type that is not read, or an axis without voxels.
    void ReadImageInformation() override;
    /// All voxels, in the byte order of this machine, slope and intercept applied.  @throws Error when the file ends early.
    void Read(void* buffer) override;
    bool CanWriteFile(const char*) override { return false; }
    void WriteImageInformation() override {}
    void Write(const void*) override;

protected:
    OwnNiftiImageIO() = default;
    ~OwnNiftiImageIO() override = default;

private:
    NiftiHeader m_header;
};

} // namespace hf::imaging
