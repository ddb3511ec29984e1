#pragma once

#include <span>
#include <string>

namespace hf::app {

/// Sub-commands of hounsfield-engine: arguments after the command's name. @return the exit code.
int trainCommand(std::span<const std::string> arguments);

} // namespace hf::app
