#pragma once

#include <QColor>
#include <QIcon>
#include <QString>

class QApplication;

namespace hf::theme {

/// Dark is for reading; light for bright rooms and projectors. Images stay on black in both.
enum class Kind { Dark, Light };

/// Palette and style sheet of the whole program; again at any time to change them.
void apply(QApplication& application, Kind kind = Kind::Dark);
Kind kind();

/// Colours of panels in the present theme.
struct PanelColors { QColor raised, text, dim, accent, warning; };
const PanelColors& panel();

/// An icon of resources/icons, drawn in the text colour of the present theme. Empty for an unknown name.
QIcon icon(const QString& name);

// Colours that are painted on images, which are black in every theme.
inline const QColor kBackground{0x12, 0x14, 0x17};
inline const QColor kPanel{0x1b, 0x1e, 0x23};
inline const QColor kRaised{0x26, 0x2b, 0x32};
inline const QColor kText{0xdd, 0xe2, 0xe8};
inline const QColor kDim{0x8d, 0x97, 0xa3};
inline const QColor kAccent{0x3d, 0xa9, 0xfc};
inline const QColor kMeasurement{0xf0, 0xd2, 0x4c};
inline const QColor kSelectedMeasurement{0x6c, 0xe0, 0xff};
inline const QColor kWarning{0xf2, 0xb1, 0x34};
inline const QColor kImageDim{0x8d, 0x97, 0xa3};
inline const QColor kImageFrame{0x26, 0x2b, 0x32};
inline const QColor kDanger{0xb3, 0x12, 0x1f};
/// Of a text on an image that must not be overlooked.
inline const QColor kAlarm{0xff, 0x5a, 0x5a};
inline const QColor kReference{0x7f, 0xd4, 0xff};
inline const QColor kAxial{0xe8, 0x5d, 0x5d};
inline const QColor kSagittal{0xe0, 0xc3, 0x4a};
inline const QColor kCoronal{0x5c, 0xc4, 0x7a};

} // namespace hf::theme
