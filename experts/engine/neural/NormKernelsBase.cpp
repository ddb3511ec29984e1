#define HF_KERNELS kNormKernelsBase
#include "experts/engine/neural/NormKernels.inl"
