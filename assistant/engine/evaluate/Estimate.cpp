#include "assistant/engine/evaluate/Estimate.h"

#include "viewer/phantom/Random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace hf::assistant::evaluate {

namespace {

double ratioOf(std::span<const double> sums) { return sums[1] > 0 ? sums[0] / sums[1] : std::numeric_limits<double>::quiet_NaN(); }

void add(std::vector<double>& sums, const std::vector<double>& row)
{
    for (std::size_t n = 0; n < sums.size(); ++n) {
        sums[n] += row[n];
    }
}

/// Linear between order statistics. Source: Hyndman and Fan 1996, definition 7.
double percentile(const std::vector<double>& sorted, double share)
{
    const double at = share * double(sorted.size() - 1);
    const std::size_t below = std::size_t(at), above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

/// Source: Wilson 1927.
void setWilson(Estimate& estimate)
{
    constexpr double z = 1.959963984540054;
    const double n = estimate.clusters, p = estimate.value;
    const double center = (p + z * z / (2 * n)) / (1 + z * z / n), half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    estimate.low = p == 0 ? 0 : center - half;
    estimate.high = p == 1 ? 1 : center + half;
    estimate.method = "wilson";
}

void setBootstrap(Estimate& estimate, const Figure& figure, const std::vector<std::vector<double>>& clusters, int resamples, std::uint64_t seed)
{
    phantom::Random random(seed);
    std::vector<double> values;
    for (int n = 0; n < resamples; ++n) {
        std::vector<double> sums(clusters[0].size(), 0);
        for (std::size_t drawn = 0; drawn < clusters.size(); ++drawn) {
            add(sums, clusters[std::size_t(random.below(int(clusters.size())))]);
        }
        if (const double value = figure.of(sums); std::isfinite(value)) {
            values.push_back(value);
        }
    }
    std::sort(values.begin(), values.end());
    if (values.empty() || values.front() == values.back()) {
        estimate.low = estimate.high = std::numeric_limits<double>::quiet_NaN();
        estimate.method = "none";
        return;
    }
    estimate.low = percentile(values, 0.025);
    estimate.high = percentile(values, 0.975);
    estimate.method = "bootstrap";
}

} // namespace

Figure shareFigure(const std::string& name) { return {name, {}, ratioOf, true}; }

Figure meanFigure(const std::string& name) { return {name, {}, ratioOf, false}; }

Figure f1Figure(const std::string& name, int classes)
{
    const auto mean = [classes](std::span<const double> sums) {
        double total = 0;
        for (std::size_t n = 0; n < std::size_t(classes); ++n) {
            const double hits = sums[3 * n], wrong = sums[3 * n + 1], missed = sums[3 * n + 2];
            total += hits > 0 ? 2 * hits / (2 * hits + wrong + missed) : 0;
        }
        return total / classes;
    };
    return {name, {}, mean, false};
}

std::vector<double> f1Row(int classes, int index, bool answer, bool truth)
{
    std::vector<double> row(std::size_t(3 * classes), 0);
    if (answer || truth) {
        row[std::size_t(3 * index + (answer && truth ? 0 : answer ? 1 : 2))] = 1;
    }
    return row;
}

Estimate estimate(const Figure& figure, std::span<const std::string> cluster, std::span<const std::size_t> chosen, int resamples, std::uint64_t seed)
{
    std::map<std::string, std::size_t> numbers;
    std::vector<std::vector<double>> clusters;
    Estimate result;
    for (const std::size_t n : chosen) {
        const std::vector<double>& row = figure.rows[n];
        if (row.empty()) {
            continue;
        }
        const auto [found, isNew] = numbers.try_emplace(cluster[n], clusters.size());
        if (isNew) {
            clusters.emplace_back(row.size(), 0.0);
        }
        add(clusters[found->second], row);
        ++result.cases;
    }
    result.clusters = int(clusters.size());
    if (clusters.empty()) {
        result.value = result.low = result.high = std::numeric_limits<double>::quiet_NaN();
        return result;
    }
    std::vector<double> sums(clusters[0].size(), 0);
    for (const std::vector<double>& one : clusters) {
        add(sums, one);
    }
    result.value = figure.of(sums);
    if (figure.isShare && (result.value == 0 || result.value == 1)) {
        setWilson(result);
    } else {
        setBootstrap(result, figure, clusters, resamples, seed);
    }
    return result;
}

} // namespace hf::assistant::evaluate
