#include "support/Check.h"
#include "viewer/volume/Error.h"
#include "viewer/volume/Geometry.h"
#include "viewer/volume/NiftiQform.h"

#include <numbers>

using namespace hf;

namespace {

Geometry straight()
{
    return Geometry({10, 20, 30}, {0.5, 0.75, 2}, {-100, -50, 25}, {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}});
}

/// A coronal acquisition: columns to the left, rows downwards, slices to the back.
Geometry coronal()
{
    return Geometry({8, 9, 5}, {1, 1, 4}, {0, 0, 0}, {Vec3{1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, 1, 0}});
}

/// Turned by 20 degrees about the patient's x axis.
Geometry oblique()
{
    const double c = std::cos(20 * std::numbers::pi / 180), s = std::sin(20 * std::numbers::pi / 180);
    return Geometry({4, 5, 6}, {1, 2, 3}, {7, 8, 9}, {Vec3{1, 0, 0}, Vec3{0, c, s}, Vec3{0, -s, c}});
}

} // namespace

HF_TEST(voxelCentresAreWhereTheHeaderSays)
{
    const PointLps point = straight().toLps(Index3{2, 4, 10});
    HF_CHECK_NEAR(point.x, -99, 1e-12);
    HF_CHECK_NEAR(point.y, -47, 1e-12);
    HF_CHECK_NEAR(point.z, 45, 1e-12);
}

HF_TEST(aQformIsARotationOfTheSteps)
{
    // A quarter turn about z: i runs along y, j against x; a mirrored one turns k over.
    const double half = std::sqrt(0.5);
    for (const bool isMirrored : {false, true}) {
        const auto m = niftiQform({0, 0, half, 7, 8, 9}, {2, 3, 4}, isMirrored);
        const double expected[] = {0, -3, 0, 7, 2, 0, 0, 8, 0, 0, isMirrored ? -4.0 : 4.0, 9};
        for (std::size_t n = 0; n < 12; ++n) {
            HF_CHECK_NEAR(m[n], expected[n], 1e-12);
        }
    }
    // Any turn, against the formula of Rodrigues.
    const Vec3 axis = normalized({1, -2, 0.5});
    const double angle = 0.7;
    const Vec3 q = axis * std::sin(angle / 2);
    const auto m = niftiQform({q.x, q.y, q.z, 0, 0, 0}, {1, 1, 1}, false);
    for (const Vec3& v : {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}) {
        const Vec3 turned = v * std::cos(angle) + cross(axis, v) * std::sin(angle) + axis * (dot(axis, v) * (1 - std::cos(angle)));
        const Vec3 got{m[0] * v.x + m[1] * v.y + m[2] * v.z, m[4] * v.x + m[5] * v.y + m[6] * v.z, m[8] * v.x + m[9] * v.y + m[10] * v.z};
        HF_CHECK_NEAR(length(got - turned), 0, 1e-12);
    }
}

HF_TEST(pointsComeBackFromLps)
{
    for (const Geometry& geometry : {straight(), coronal(), oblique()}) {
        const ContinuousIndex index = geometry.toIndex(geometry.toLps(ContinuousIndex{1.25, 2.5, 3.75}));
        HF_CHECK_NEAR(index.i, 1.25, 1e-10);
        HF_CHECK_NEAR(index.j, 2.5, 1e-10);
        HF_CHECK_NEAR(index.k, 3.75, 1e-10);
    }
}

HF_TEST(affineIsRasAsNiftiDefinesIt)
{
    const auto matrix = straight().affineRas();
    const double expected[16] = {-0.5, 0, 0, 100, 0, -0.75, 0, 50, 0, 0, 2, 25, 0, 0, 0, 1};
    for (std::size_t n = 0; n < 16; ++n) {
        HF_CHECK_NEAR(matrix[n], expected[n], 1e-12);
    }
}

HF_TEST(planesFindTheirVoxelAxes)
{
    HF_CHECK_EQUAL(straight().axisAcross(Plane::Axial), 2);
    HF_CHECK_EQUAL(straight().axisAcross(Plane::Sagittal), 0);
    HF_CHECK_EQUAL(straight().axisAcross(Plane::Coronal), 1);
    HF_CHECK_EQUAL(coronal().axisAcross(Plane::Coronal), 2);
    HF_CHECK_EQUAL(coronal().axisAcross(Plane::Axial), 1);
    HF_CHECK(coronal().acquisitionPlane() == Plane::Coronal);
    HF_CHECK(oblique().acquisitionPlane() == Plane::Axial);
    HF_CHECK_NEAR(oblique().obliquityDeg(Plane::Axial), 20, 1e-9);
    HF_CHECK_NEAR(oblique().obliquityDeg(Plane::Sagittal), 0, 1e-5);
}

HF_TEST(planesGetThreeDifferentAxesAtFortyFiveDegrees)
{
    const double h = std::sqrt(0.5);
    const Geometry geometry({3, 3, 3}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0, h, h}, Vec3{0, -h, h}});
    HF_CHECK(geometry.axisAcross(Plane::Axial) != geometry.axisAcross(Plane::Coronal));
}

HF_TEST(lettersNameTheDirection)
{
    HF_CHECK_EQUAL(orientationLetters({1, 0, 0}), std::string("L"));
    HF_CHECK_EQUAL(orientationLetters({0, -1, 0}), std::string("A"));
    HF_CHECK_EQUAL(orientationLetters({0, 0, -5}), std::string("I"));
    HF_CHECK_EQUAL(orientationLetters({-0.4, 0.9, 0.1}), std::string("PR"));
}

HF_TEST(nonsenseIsRefused)
{
    const std::array<Vec3, 3> axes{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
    HF_CHECK_THROWS(Geometry({0, 1, 1}, {1, 1, 1}, {}, axes), Error);
    HF_CHECK_THROWS(Geometry({1, 1, 1}, {0, 1, 1}, {}, axes), Error);
    HF_CHECK_THROWS(Geometry({1, 1, 1}, {1, std::nan(""), 1}, {}, axes), Error);
    HF_CHECK_THROWS(Geometry({1, 1, 1}, {1, 1, 1}, {}, {Vec3{1, 0, 0}, Vec3{0.5, 1, 0}, Vec3{0, 0, 1}}), Error);
    HF_CHECK_THROWS(Geometry({1, 1, 1}, {1, 1, 1}, {}, {Vec3{0, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}), Error);
    HF_CHECK_THROWS(planeFromString("oblong"), Error);
}

HF_TEST(gridsAreComparedByTheirCorners)
{
    const Geometry geometry = straight();
    Geometry moved(geometry.size(), geometry.spacingMm(), geometry.origin() + Vec3{0.01, 0, 0},
        {geometry.direction(0), geometry.direction(1), geometry.direction(2)});
    HF_CHECK(geometry.sameGridAs(geometry));
    HF_CHECK(!geometry.sameGridAs(moved));
    HF_CHECK(geometry.sameGridAs(moved, 0.02));
}

HF_TEST_MAIN()
