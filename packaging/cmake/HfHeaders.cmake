# The families of precompiled headers: see hf_headers in HfCommon. nlohmann's JSON costs every file that reads it most of a second, used or not.
find_package(nlohmann_json REQUIRED)
set(standard <algorithm> <array> <chrono> <cmath> <filesystem> <fstream> <functional> <map> <memory> <numeric> <optional> <set> <span> <sstream>
    <stop_token> <string> <thread> <unordered_map> <vector>)
hf_headers(standard HEADERS ${standard})
hf_headers(json LINK nlohmann_json::nlohmann_json HEADERS ${standard} <nlohmann/json.hpp>)
hf_headers(tensors LINK Torch::torch_cpu HEADERS ${standard} <ATen/ATen.h>)
hf_headers(networks LINK Torch::torch_cpu nlohmann_json::nlohmann_json HEADERS ${standard} <nlohmann/json.hpp> <torch/types.h>
    <torch/nn/functional/loss.h> <torch/nn/module.h> <torch/nn/modules/conv.h> <torch/nn/modules/normalization.h> <torch/optim/adamw.h>
    <torch/utils.h>)
if(HF_BUILD_VIEWER)
    find_package(Qt6 REQUIRED COMPONENTS Widgets)
    hf_headers(qt LINK Qt6::Widgets HEADERS ${standard} <QAction> <QApplication> <QBoxLayout> <QComboBox> <QDialog> <QDir> <QFile> <QHash>
        <QHeaderView> <QImage> <QJsonArray> <QJsonDocument> <QJsonObject> <QLabel> <QLineEdit> <QLocale> <QMainWindow> <QMenu> <QMessageBox>
        <QMouseEvent> <QObject> <QPainter> <QPointer> <QPushButton> <QSettings> <QString> <QTimer> <QToolButton> <QTreeWidget> <QUndoStack>
        <QWidget>)
    if(TARGET hf_headers_qt)
        target_compile_definitions(hf_headers_qt PRIVATE QT_NO_KEYWORDS)
    endif()
endif()
