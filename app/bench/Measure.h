#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hf::bench {

double millisecondsOf(const std::function<void()>& work);
/// Processor time of all threads of the program: what the work costs on a machine that is busy with other things.
double processorMillisecondsOf(const std::function<void()>& work);

/// Sorted; neither list may be empty.
struct Quantiles { double median = 0, p99 = 0, worst = 0; };
Quantiles quantilesOf(std::vector<double> values);

/// A program that ran to its end.
struct ChildRun {
    bool succeeded = false;
    double milliseconds = 0;
    double peakBytes = 0;       ///< Largest resident set.
    std::string output;         ///< Its standard output.
};
/// @param words  program and arguments; stderr is dropped. A program that is not there does not succeed.
ChildRun runChild(const std::vector<std::string>& words);

/// How long this thread has been ready to run and got no processor, milliseconds since it began; 0 where the system does not tell.
double waitedMilliseconds();

/// Load of the machine over the last minute, as a number of busy processors.
double loadAverage();

} // namespace hf::bench
