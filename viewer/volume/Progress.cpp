#include "viewer/volume/Progress.h"

namespace hf {

Progress subProgress(const Progress& progress, double begin, double end)
{
    if (!progress) {
        return {};
    }
    return [progress, begin, end](double fraction, const std::string& stage) {
        progress(begin + (end - begin) * fraction, stage);
    };
}

} // namespace hf
