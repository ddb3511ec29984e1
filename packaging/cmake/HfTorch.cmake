# LibTorch from the pinned wheel that packaging/setup unpacked, as imported targets. The wheel's own TorchConfig.cmake
# asks for a CUDA toolkit at configure time; the engine links the CPU libraries only and opens CUDA at run time.

find_path(HF_TORCH_INCLUDE_DIR torch/csrc/api/include/torch/torch.h
    PATHS "${HF_DEPS_DIR}/torch/include" NO_DEFAULT_PATH)
find_library(HF_TORCH_CPU_LIBRARY torch_cpu PATHS "${HF_DEPS_DIR}/torch/lib" NO_DEFAULT_PATH)
find_library(HF_C10_LIBRARY c10 PATHS "${HF_DEPS_DIR}/torch/lib" NO_DEFAULT_PATH)
if(NOT HF_TORCH_INCLUDE_DIR OR NOT HF_TORCH_CPU_LIBRARY OR NOT HF_C10_LIBRARY)
    message(FATAL_ERROR "LibTorch was not found in ${HF_DEPS_DIR}/torch. Run packaging/setup first.")
endif()

add_library(Torch::c10 SHARED IMPORTED)
set_target_properties(Torch::c10 PROPERTIES
    IMPORTED_LOCATION "${HF_C10_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES
        "${HF_TORCH_INCLUDE_DIR};${HF_TORCH_INCLUDE_DIR}/torch/csrc/api/include")
add_library(Torch::torch_cpu SHARED IMPORTED)
set_target_properties(Torch::torch_cpu PROPERTIES
    IMPORTED_LOCATION "${HF_TORCH_CPU_LIBRARY}"
    INTERFACE_LINK_LIBRARIES Torch::c10
    # libtorch_cpu.so names CUDA libraries that only the plug-in needs.
    INTERFACE_LINK_OPTIONS "-Wl,--allow-shlib-undefined")
# Files with OpenMP pragmas of ours link the same runtime as LibTorch.
find_library(HF_GOMP_LIBRARY NAMES libgomp.so.1 PATHS "${HF_DEPS_DIR}/torch/lib" NO_DEFAULT_PATH REQUIRED)
