#include "assistant/engine/train/TrainingLog.h"

#include "viewer/volume/Error.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace hf::assistant::train {

namespace fs = std::filesystem;

namespace {

const char* const kHeading = "step,loss,rate,conversations,validation\n";

std::string lineOf(const TrainingLog::Row& row)
{
    char text[160];
    std::snprintf(text, sizeof text, "%d,%.9g,%.9g,%d,", row.step, row.loss, row.rate, row.conversations);
    std::string line = text;
    if (row.validation >= 0) {
        std::snprintf(text, sizeof text, "%.9g", row.validation);
        line += text;
    }
    return line + "\n";
}

void append(const fs::path& file, const std::string& text)
{
    std::ofstream out(file, std::ios::app);
    out << text;
    if (!out.flush()) {
        throw Error("cannot write " + file.string(), "write");
    }
}

/// Beside the file first: what it held is there until all is written.
void replace(const fs::path& file, const std::string& text)
{
    const fs::path part = file.string() + ".part";
    std::error_code error;
    fs::remove(part, error);
    append(part, text);
    fs::rename(part, file);
}

std::string format(const char* pattern, double a, double b)
{
    char text[256];
    std::snprintf(text, sizeof text, pattern, a, b);
    return text;
}

/// 1, 2 or 5 times a power of ten: about five of them in `range`.
double niceStep(double range)
{
    const double raw = std::max(range, 1e-9) / 5, power = std::pow(10, std::floor(std::log10(raw)));
    return power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
}

} // namespace

TrainingLog::TrainingLog(fs::path folder, int steps) : m_folder(std::move(folder))
{
    fs::create_directories(m_folder);
    std::string text = kHeading;
    std::ifstream in(m_folder / "training.csv");
    for (std::string line; steps > 0 && std::getline(in, line);) {
        Row row;
        // The last field may be empty, and is not there in tables of older runs.
        if (std::sscanf(line.c_str(), "%d,%lf,%lf,%d,%lf", &row.step, &row.loss, &row.rate, &row.conversations, &row.validation) >= 4 && row.step <= steps) {
            m_rows.push_back(row);
            text += lineOf(row);
        }
    }
    replace(m_folder / "training.csv", text);
}

void TrainingLog::add(const Row& row)
{
    m_rows.push_back(row);
    append(m_folder / "training.csv", lineOf(row));
}

void TrainingLog::draw() const { replace(m_folder / "training.svg", curveSvg(m_rows)); }

std::string curveSvg(const std::vector<TrainingLog::Row>& rows)
{
    constexpr double kWidth = 860, kHeight = 420, kLeft = 60, kRight = 20, kTop = 30, kBottom = 45;
    double most = 1e-9, last = 1;
    for (const TrainingLog::Row& row : rows) {
        most = std::max({most, row.loss, row.validation});
        last = std::max(last, double(row.step));
    }
    const auto x = [&](double step) { return kLeft + (kWidth - kLeft - kRight) * step / last; };
    const auto y = [&](double loss) { return kHeight - kBottom - (kHeight - kTop - kBottom) * loss / most; };
    std::string svg = format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" font-size=\"12\">\n", kWidth, kHeight) + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    for (double loss = 0, step = niceStep(most); loss <= most; loss += step) {
        svg += format("<path d=\"M%g %.1f", kLeft, y(loss)) + format("H%g\" stroke=\"#ddd\"/>", kWidth - kRight, 0) + format("<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">", kLeft - 6, y(loss) + 4) + format("%g</text>\n", loss, 0);
    }
    for (double at = 0, step = std::max(1.0, niceStep(last)); at <= last; at += step) {
        svg += format("<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">", x(at), kHeight - kBottom + 18) + format("%g</text>\n", at, 0);
    }
    std::string points, smooth, tried;
    const std::size_t window = std::max<std::size_t>(1, rows.size() / 50);
    double sum = 0;
    for (std::size_t n = 0; n < rows.size(); ++n) {
        sum += rows[n].loss - (n >= window ? rows[n - window].loss : 0);
        points += format("%.1f,%.1f ", x(rows[n].step), y(rows[n].loss));
        smooth += format("%.1f,%.1f ", x(rows[n].step), y(sum / double(std::min(n + 1, window))));
        tried += rows[n].validation >= 0 ? format("%.1f,%.1f ", x(rows[n].step), y(rows[n].validation)) : "";
    }
    svg += "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"#9ecae1\"/>\n<polyline points=\"" + smooth + "\" fill=\"none\" stroke=\"#08519c\" stroke-width=\"2\"/>\n";
    if (!tried.empty()) {
        svg += "<polyline points=\"" + tried + "\" fill=\"none\" stroke=\"#d94801\" stroke-width=\"2\"/>\n" + format("<text x=\"%g\" y=\"%g\" text-anchor=\"end\" fill=\"#d94801\">only tried</text>\n", kWidth - kRight, 18);
    }
    svg += format("<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">step</text>", (kLeft + kWidth) / 2, kHeight - 8) + format("<text x=\"%g\" y=\"%g\">loss, nats a learned token</text>\n</svg>\n", kLeft, 18);
    return svg;
}

} // namespace hf::assistant::train
