#pragma once

#include "experts/runtime/Safetensors.h"

namespace hf::runtime {

class MappedFile;

/// The tensors of a file that torch.save wrote: a state dict, a dict that holds one under "model", "state_dict", "network" or "net", or a
/// whole pickled module, whose parameters and persistent buffers are walked. The ZIP container (PyTorch 1.6 and later) and the older
/// stream are read. Nothing is executed; tensors are views on the file where its data are aligned. Numbers and texts beside tensors are
/// skipped. Source: experts.md 6.2 to 6.4.
/// @throws Error "weights": TorchScript (which is code), the tar of PyTorch before 0.1.10, big-endian data, anything but plain tensors,
///         anything that does not fit its storage.
TensorMap readTorchFile(const std::shared_ptr<const MappedFile>& file);

} // namespace hf::runtime
