#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace hf::assistant::evaluate {

/// A figure that is a function of sums over cases: a share, an F1 score, BLEU. Each case adds a row of numbers.
struct Figure {
    std::string name;                           ///< "accuracy"
    std::vector<std::vector<double>> rows;      ///< One a case, all of one length; empty: the case does not count here.
    std::function<double(std::span<const double> sums)> of;
    bool isShare = false;                       ///< sums are {right, all}.
};

/// Rows {right ? 1 : 0, 1}.
Figure shareFigure(const std::string& name);
/// Mean of a value: rows {value, 1}.
Figure meanFigure(const std::string& name);
/// Mean over classes of the F1 score of the positive answer. Rows are made with f1Row().
Figure f1Figure(const std::string& name, int classes);
std::vector<double> f1Row(int classes, int index, bool answer, bool truth);

/// A figure with its 95 % confidence interval.
struct Estimate {
    double value = 0, low = 0, high = 0;        ///< NaN without a case; low and high also where nothing is known of them.
    int cases = 0;
    int clusters = 0;
    /// "bootstrap" (percentiles of resampled clusters), "wilson" for a share of 0 or 1, of which resampling knows nothing, or "none" where all resamples are
    /// the same: one patient, or an F1 score of 0 or 1.
    std::string method;
};

/// @param cluster  of each case: what is drawn together (the image or patient of several questions). @param chosen  numbers of the cases that count.
/// The same seed gives the same interval on every machine.
Estimate estimate(const Figure& figure, std::span<const std::string> cluster, std::span<const std::size_t> chosen, int resamples = 1000, std::uint64_t seed = 1);

} // namespace hf::assistant::evaluate
