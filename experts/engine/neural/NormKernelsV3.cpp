#define HF_KERNELS kNormKernelsV3
#include "experts/engine/neural/NormKernels.inl"
