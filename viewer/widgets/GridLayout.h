#pragma once

#include <vector>

namespace hf {

/// What one view of the grid shows of its series.
enum class CellShow { Images, Axial, Sagittal, Coronal, Volume };

/// Rows and columns of views. A linked layout shows one series, the active one, in all its views; in any other each view has its own.
struct GridLayout {
    static constexpr int kMostRows = 3, kMostColumns = 4;
    int rows = 2, columns = 2;
    bool isLinked = false;
    std::vector<CellShow> cells = {};       ///< Row by row; those that are not told show images.

    int count() const { return rows * columns; }
    CellShow show(int cell) const { return cell < int(cells.size()) ? cells[std::size_t(cell)] : CellShow::Images; }
    /// The three planes and the volume of one series.
    static GridLayout planes() { return {2, 2, true, {CellShow::Axial, CellShow::Sagittal, CellShow::Coronal, CellShow::Volume}}; }
    static GridLayout grid(int rows, int columns) { return {rows, columns, false, {}}; }
    friend bool operator==(const GridLayout&, const GridLayout&) = default;
};

} // namespace hf
