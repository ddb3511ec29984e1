#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hf::assistant::train {

/// The loss of every step as a table (training.csv) and as a curve (training.svg) in a folder.
class TrainingLog {
public:
    struct Row {
        int step = 0;
        double loss = 0;        ///< Nats a learned token.
        double rate = 0;        ///< Learning rate.
        int conversations = 0;
        double validation = -1; ///< Loss of conversations that are only tried; -1: not tried after this step.
    };

    /// Goes on with the steps of an earlier part of the run up to `steps`; 0 begins anew. @throws Error "write".
    TrainingLog(std::filesystem::path folder, int steps);
    /// Written to the table at once.
    void add(const Row& row);
    /// Draws the curve.
    void draw() const;
    const std::vector<Row>& rows() const { return m_rows; }

private:
    std::filesystem::path m_folder;
    std::vector<Row> m_rows;
};

/// Loss of each step and its mean over the last steps, with axes, as an SVG picture.
std::string curveSvg(const std::vector<TrainingLog::Row>& rows);

} // namespace hf::assistant::train
