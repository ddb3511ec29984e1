#define HF_KERNELS kNormKernelsV4
#include "experts/engine/neural/NormKernels.inl"
