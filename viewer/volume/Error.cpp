#include "viewer/volume/Error.h"

namespace hf {

void assertionFailed(const char* expression, const char* file, int line)
{
    throw std::logic_error(std::string("internal error: ") + expression + " at " + file + ":" + std::to_string(line));
}

} // namespace hf
