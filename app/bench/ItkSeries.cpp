#include "app/bench/ItkSeries.h"

#include <itkGDCMImageIO.h>
#include <itkGDCMSeriesFileNames.h>
#include <itkImageSeriesReader.h>

#include <stdexcept>

namespace hf::bench {

std::size_t readWithItk(const std::filesystem::path& folder)
{
    using Image = itk::Image<short, 3>;
    const auto names = itk::GDCMSeriesFileNames::New();
    names->SetDirectory(folder.string());
    if (names->GetSeriesUIDs().empty()) {
        throw std::runtime_error("ITK finds no series");
    }
    const auto reader = itk::ImageSeriesReader<Image>::New();
    reader->SetImageIO(itk::GDCMImageIO::New());
    reader->SetFileNames(names->GetFileNames(names->GetSeriesUIDs().front()));
    reader->Update();
    return reader->GetOutput()->GetLargestPossibleRegion().GetNumberOfPixels();
}

} // namespace hf::bench
