#pragma once

#include "viewer/render/VolumeView3D.h"
#include "viewer/widgets/Theme.h"

#include <QApplication>
#include <QLocale>
#include <QSurfaceFormat>
#include <QTest>

namespace hf::test {

/// main() of a test that shows windows, with the format and the looks of the program; numbers are written the same everywhere.
template <typename Test> int runGuiTest(int argc, char** argv)
{
    QSurfaceFormat::setDefaultFormat(VolumeView3D::surfaceFormat());
    QLocale::setDefault(QLocale::c());
    QApplication application(argc, argv);
    theme::apply(application);
    Test test;
    return QTest::qExec(&test, argc, argv);
}

} // namespace hf::test
