#include "viewer/imaging/Registration.h"

#include "viewer/volume/Error.h"

#include <itkEuler3DTransform.h>
#include <itkImage.h>
#include <itkImageRegistrationMethodv4.h>
#include <itkMattesMutualInformationImageToImageMetricv4.h>
#include <itkRegistrationParameterScalesFromPhysicalShift.h>
#include <itkRegularStepGradientDescentOptimizerv4.h>
#include <itkResampleImageFilter.h>

#include <cmath>
#include <numbers>

namespace hf::imaging {

namespace {

using Image = itk::Image<float, 3>;
using Motion = itk::Euler3DTransform<double>;
using Metric = itk::MattesMutualInformationImageToImageMetricv4<Image, Image>;
using Optimizer = itk::RegularStepGradientDescentOptimizerv4<double>;
using Method = itk::ImageRegistrationMethodv4<Image, Image, Motion>;

/// Points are LPS mm on both sides.
Image::Pointer toImage(const Volume& volume)
{
    const Geometry& geometry = volume.geometry();
    const auto image = Image::New();
    Image::SizeType size;
    Image::DirectionType direction;
    for (unsigned axis = 0; axis < 3; ++axis) {
        size[axis] = itk::SizeValueType(geometry.size().along(int(axis)));
        const Vec3 way = geometry.direction(int(axis));
        direction[0][axis] = way.x;
        direction[1][axis] = way.y;
        direction[2][axis] = way.z;
    }
    const std::array<double, 3> origin{geometry.origin().x, geometry.origin().y, geometry.origin().z};
    image->SetRegions(size);
    image->SetSpacing(geometry.spacingMm().data());
    image->SetOrigin(origin.data());
    image->SetDirection(direction);
    image->Allocate();
    volume.visit([&](auto voxels) { std::transform(voxels.begin(), voxels.end(), image->GetBufferPointer(), [](auto value) { return float(value); }); });
    return image;
}

Motion::Pointer startOf(const Geometry& fixed)
{
    const Size3 size = fixed.size();
    const PointLps centre = fixed.toLps(ContinuousIndex{(size.i - 1) / 2.0, (size.j - 1) / 2.0, (size.k - 1) / 2.0});
    const auto motion = Motion::New();
    motion->SetIdentity();
    Motion::InputPointType point;
    point[0] = centre.x;
    point[1] = centre.y;
    point[2] = centre.z;
    motion->SetCenter(point);
    return motion;
}

Metric::Pointer makeMetric()
{
    constexpr int kBins = 32;
    const auto metric = Metric::New();
    metric->SetNumberOfHistogramBins(kBins);
    metric->SetUseMovingImageGradientFilter(false);
    metric->SetUseFixedImageGradientFilter(false);
    return metric;
}

Optimizer::Pointer makeOptimizer(Metric* metric)
{
    const auto scales = itk::RegistrationParameterScalesFromPhysicalShift<Metric>::New();
    scales->SetMetric(metric);
    const auto optimizer = Optimizer::New();
    optimizer->SetScalesEstimator(scales);
    optimizer->SetLearningRate(2);
    optimizer->SetMinimumStepLength(0.003);
    optimizer->SetGradientMagnitudeTolerance(1e-9);
    optimizer->SetRelaxationFactor(0.6);
    optimizer->SetNumberOfIterations(150);
    optimizer->SetReturnBestParametersAndValue(true);
    return optimizer;
}

Motion::Pointer findMotion(const Image* fixed, const Image* moving, Motion* start, const Progress& progress, const std::stop_token& stop)
{
    constexpr unsigned kLevels = 3;
    const auto metric = makeMetric();
    const auto optimizer = makeOptimizer(metric);
    const auto method = Method::New();
    method->SetFixedImage(fixed);
    method->SetMovingImage(moving);
    method->SetMetric(metric);
    method->SetOptimizer(optimizer);
    method->SetInitialTransform(start);
    method->SetNumberOfLevels(kLevels);
    Method::ShrinkFactorsArrayType shrink(kLevels);
    Method::SmoothingSigmasArrayType smoothing(kLevels);
    for (unsigned level = 0; level < kLevels; ++level) {
        shrink[level] = 1U << (kLevels - 1 - level);
        smoothing[level] = level + 1 == kLevels ? 0.5 : double(shrink[level]) / 2;
    }
    method->SetShrinkFactorsPerLevel(shrink);
    method->SetSmoothingSigmasPerLevel(smoothing);
    method->SetSmoothingSigmasAreSpecifiedInPhysicalUnits(false);
    method->SetMetricSamplingStrategy(Method::MetricSamplingStrategyEnum::RANDOM);
    method->SetMetricSamplingPercentage(0.2);
    constexpr int kSeed = 1;
    method->MetricSamplingReinitializeSeed(kSeed);
    optimizer->AddObserver(itk::IterationEvent(), [&, optimizer = optimizer.GetPointer(), method = method.GetPointer()](const itk::EventObject&) {
        if (stop.stop_requested()) {
            optimizer->StopOptimization();
        }
        const double within = std::min(1.0, double(optimizer->GetCurrentIteration()) / double(optimizer->GetNumberOfIterations()));
        report(progress, 0.9 * (double(method->GetCurrentLevel()) + within) / kLevels, "registering");
    });
    try {
        method->Update();
    } catch (const itk::ExceptionObject& error) {
        throwIfStopped(stop);
        throw Error(std::string("the series cannot be registered: ") + error.GetDescription(), "registration");
    }
    throwIfStopped(stop);
    const auto motion = Motion::New();
    motion->SetFixedParameters(method->GetTransform()->GetFixedParameters());
    motion->SetParameters(method->GetTransform()->GetParameters());
    return motion;
}

Volume resampled(const Image* fixed, const Image* moving, const Motion* motion, const Geometry& geometry, const Volume& source)
{
    const auto filter = itk::ResampleImageFilter<Image, Image>::New();
    filter->SetInput(moving);
    filter->SetTransform(motion);
    filter->SetReferenceImage(fixed);
    filter->UseReferenceImageOn();
    filter->SetDefaultPixelValue(float(source.range().minimum));
    filter->Update();
    const float* values = filter->GetOutput()->GetBufferPointer();
    return {geometry, std::vector<float>(values, values + geometry.size().voxels()), source.info()};
}

} // namespace

Registered registerRigid(const Volume& fixed, const Volume& moving, const Progress& progress, std::stop_token stop)
{
    const Image::Pointer fixedImage = toImage(fixed), movingImage = toImage(moving);
    const Motion::Pointer motion = findMotion(fixedImage, movingImage, startOf(fixed.geometry()), progress, stop);
    report(progress, 0.92, "registering");
    Registered result{resampled(fixedImage, movingImage, motion, fixed.geometry(), moving)};
    const Motion::ParametersType p = motion->GetParameters();
    result.shiftMm = std::sqrt(p[3] * p[3] + p[4] * p[4] + p[5] * p[5]);
    const auto matrix = motion->GetMatrix();
    const double cosine = (matrix(0, 0) + matrix(1, 1) + matrix(2, 2) - 1) / 2;
    result.angleDeg = std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi;
    report(progress, 1, "registering");
    return result;
}

Volume onGridOf(const Volume& fixed, const Volume& moving, const Progress& progress, std::stop_token stop)
{
    return moving.geometry().sameGridAs(fixed.geometry()) ? moving : registerRigid(fixed, moving, progress, std::move(stop)).volume;
}

} // namespace hf::imaging
