#pragma once

#include "support/DcmtkItems.h"

#include <array>
#include <memory>

namespace hf::test {

/// A radiograph of 12 bits that DCMTK writes: rows of `columns` stored values, pixels of 0.2 mm, window 500 / 1001.
inline void writeImage(const std::filesystem::path& path, const std::string& uid, int columns, const std::vector<Uint16>& stored)
{
    DcmFileFormat file;
    DcmDataset& data = *file.getDataset();
    put(data, DCM_SOPClassUID, UID_ComputedRadiographyImageStorage);
    put(data, DCM_SOPInstanceUID, uid);
    put(data, DCM_StudyInstanceUID, "2.25.500.1");
    put(data, DCM_SeriesInstanceUID, "2.25.500.2");
    put(data, DCM_Modality, "CR");
    put(data, DCM_PatientName, "Phantom^Presented");
    put(data, DCM_InstanceNumber, "1");
    put(data, DCM_PixelSpacing, "0.2\\0.2");
    put(data, DCM_WindowCenter, "500");
    put(data, DCM_WindowWidth, "1001");
    putPixels(data, columns, stored);
    require(file.saveFile(path.c_str(), EXS_LittleEndianExplicit));
}

/// A presentation state for images of that series, written by DCMTK: identity at first.
class PresentationFile {
public:
    PresentationFile(const std::string& label, const std::string& time, const std::vector<std::string>& images)
    {
        DcmDataset& d = data();
        put(d, DCM_SOPClassUID, UID_GrayscaleSoftcopyPresentationStateStorage);
        put(d, DCM_SOPInstanceUID, "2.25.500.9" + time);
        put(d, DCM_StudyInstanceUID, "2.25.500.1");
        put(d, DCM_SeriesInstanceUID, "2.25.500.3");
        put(d, DCM_Modality, "PR");
        put(d, DCM_SpecificCharacterSet, "ISO_IR 192");
        put(d, DCM_ContentLabel, label);
        put(d, DCM_PresentationCreationDate, "20240301");
        put(d, DCM_PresentationCreationTime, time);
        put(d, DCM_PresentationLUTShape, "IDENTITY");
        DcmItem& series = append(d, DCM_ReferencedSeriesSequence);
        put(series, DCM_SeriesInstanceUID, "2.25.500.2");
        refer(series, images);
    }

    DcmDataset& data() { return *m_file.getDataset(); }
    void save(const std::filesystem::path& path) { require(m_file.saveFile(path.c_str(), EXS_LittleEndianExplicit)); }

    static void refer(DcmItem& item, const std::vector<std::string>& images)
    {
        for (const std::string& uid : images) {
            DcmItem& image = append(item, DCM_ReferencedImageSequence);
            put(image, DCM_ReferencedSOPClassUID, UID_ComputedRadiographyImageStorage);
            put(image, DCM_ReferencedSOPInstanceUID, uid);
        }
    }

    void setWindow(const std::string& center, const std::string& width)
    {
        DcmItem& item = append(data(), DCM_SoftcopyVOILUTSequence);
        put(item, DCM_WindowCenter, center);
        put(item, DCM_WindowWidth, width);
    }

    void setTurn(int degrees, bool flip)
    {
        require(data().putAndInsertUint16(DCM_ImageRotation, Uint16(degrees)));
        put(data(), DCM_ImageHorizontalFlip, flip ? "Y" : "N");
    }

    /// Corners as column, row from 1.
    DcmItem& setArea(std::array<Sint32, 2> topLeft, std::array<Sint32, 2> bottomRight, const std::string& mode)
    {
        DcmItem& item = append(data(), DCM_DisplayedAreaSelectionSequence);
        putCorner(item, DCM_DisplayedAreaTopLeftHandCorner, topLeft);
        putCorner(item, DCM_DisplayedAreaBottomRightHandCorner, bottomRight);
        put(item, DCM_PresentationSizeMode, mode);
        return item;
    }

    /// With a layer of its own, white.
    DcmItem& addAnnotation()
    {
        const std::string name = "LAYER" + std::to_string(++m_layers);
        DcmItem& layer = append(data(), DCM_GraphicLayerSequence);
        put(layer, DCM_GraphicLayer, name);
        put(layer, DCM_GraphicLayerOrder, std::to_string(m_layers));
        require(layer.putAndInsertUint16(DCM_GraphicLayerRecommendedDisplayGrayscaleValue, 0xFFFF));
        DcmItem& annotation = append(data(), DCM_GraphicAnnotationSequence);
        put(annotation, DCM_GraphicLayer, name);
        return annotation;
    }

    static DcmItem& addGraphic(DcmItem& annotation, const std::string& type, const std::string& units, const std::vector<Float32>& points)
    {
        DcmItem& graphic = append(annotation, DCM_GraphicObjectSequence);
        put(graphic, DCM_GraphicAnnotationUnits, units);
        require(graphic.putAndInsertUint16(DCM_GraphicDimensions, 2));
        require(graphic.putAndInsertUint16(DCM_NumberOfGraphicPoints, Uint16(points.size() / 2)));
        putFloats(graphic, DCM_GraphicData, points);
        put(graphic, DCM_GraphicType, type);
        return graphic;
    }

    static DcmItem& addText(DcmItem& annotation, const std::string& words)
    {
        DcmItem& text = append(annotation, DCM_TextObjectSequence);
        put(text, DCM_UnformattedTextValue, words);
        return text;
    }

private:
    static void putCorner(DcmItem& item, const DcmTagKey& tag, std::array<Sint32, 2> corner)
    {
        auto element = std::make_unique<DcmSignedLong>(tag);
        require(element->putSint32Array(corner.data(), 2));
        require(item.insert(element.release(), true));
    }

    DcmFileFormat m_file;
    int m_layers = 0;
};

} // namespace hf::test
