#pragma once

#include "support/Check.h"

#include <QCoreApplication>

/// In place of HF_TEST_MAIN() where Qt is used: without an application Qt takes the first thread that it meets for the program's main thread, and what
/// it keeps there is gone when that was one of ours that has ended.
#define HF_QT_TEST_MAIN() \
    int main(int argc, char** argv) \
    { \
        const QCoreApplication application(argc, argv); \
        return ::hf::test::run(); \
    }
