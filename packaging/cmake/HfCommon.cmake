# What every target shares: language level, warnings, sanitizers, output folders.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
# The distribution's other linker takes a third of the time.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=gold HF_HAS_GOLD)
if(HF_HAS_GOLD)
    add_link_options(-fuse-ld=gold)
endif()
# RUNPATH, so that LD_LIBRARY_PATH can put another LibTorch in front.
add_link_options(-Wl,--enable-new-dtags)

if(NOT HF_DEPS_DIR)
    if(DEFINED ENV{HF_DEPS_DIR})
        set(HF_DEPS_DIR "$ENV{HF_DEPS_DIR}")
    elseif(DEFINED ENV{XDG_CACHE_HOME})
        set(HF_DEPS_DIR "$ENV{XDG_CACHE_HOME}/hounsfield")
    else()
        set(HF_DEPS_DIR "$ENV{HOME}/.cache/hounsfield")
    endif()
endif()

# ccache keeps objects over builds and checkouts: what a file reads it learns from the compiler, not by preprocessing once more. With the
# source folder as base, another checkout of the same tree finds them too.
find_program(HF_CCACHE ccache)
if(HF_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(launcher env CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "${HF_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(hf_options INTERFACE)
# -fPIC for all, programs and libraries alike, as Qt asks for it: so that they share precompiled headers. GCC 12 takes "a" + std::string
# for overlapping or endless copies (GCC bug 105329).
target_compile_options(hf_options INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>" $<$<COMPILE_LANGUAGE:C,CXX>:-fPIC> $<$<BOOL:${HF_WERROR}>:-Werror>)
if(HF_SANITIZER)
    add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${HF_SANITIZER}> $<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer>)
    add_link_options(-fsanitize=${HF_SANITIZER})
endif()
target_include_directories(hf_options INTERFACE "${PROJECT_SOURCE_DIR}")

# hf_add_library(hf_volume SOURCES a.cpp ... LINK ...): a static library with the alias Hounsfield::volume.
function(hf_add_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC hf_options ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
    string(REPLACE "hf_" "" short ${name})
    add_library(Hounsfield::${short} ALIAS ${name})
endfunction()

# Headers that many files read are precompiled once a family, and the files that read LibTorch's (several seconds a file even then: what they
# define is instantiated at the end of every file) are compiled together in a few groups. The preset `dev` leaves the groups out, so that a
# changed file is compiled alone. CMAKE_DISABLE_PRECOMPILE_HEADERS=ON shows whether every file includes what it needs.
option(HF_UNITY "Compile files that include LibTorch together" ON)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# hf_headers(networks LINK Torch::torch_cpu HEADERS <torch/types.h> ...): a family of precompiled headers.
function(hf_headers family)
    cmake_parse_arguments(arg "" "" "LINK;HEADERS" ${ARGN})
    if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
        return()
    endif()
    set(file "${PROJECT_BINARY_DIR}/headers/${family}.cpp")
    file(CONFIGURE OUTPUT "${file}" CONTENT "namespace hf { extern const int ${family}Headers; const int ${family}Headers = 0; }\n")
    add_library(hf_headers_${family} OBJECT "${file}")
    target_link_libraries(hf_headers_${family} PUBLIC hf_options ${arg_LINK})
    target_precompile_headers(hf_headers_${family} PRIVATE ${arg_HEADERS})
endfunction()

# hf_use_headers(hf_volume standard): all files of the target read the family precompiled.
# hf_use_headers(hf_train networks GROUPS [Samples.cpp ...]): its groups (hf_compile_together) and the named files do, the others read the
# family `standard`.
function(hf_use_headers target family)
    cmake_parse_arguments(arg "" "" "GROUPS" ${ARGN})
    if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
        return()
    endif()
    target_precompile_headers(${target} REUSE_FROM hf_headers_${family})
    get_target_property(files ${target} SOURCES)
    set(standard "${PROJECT_BINARY_DIR}/CMakeFiles/hf_headers_standard.dir/cmake_pch.hxx")
    foreach(file IN LISTS files)
        get_source_file_property(group ${file} UNITY_GROUP)
        get_source_file_property(options ${file} COMPILE_OPTIONS)
        if(options)     # another processor or another optimisation: not the family's
            set_source_files_properties(${file} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
        elseif("GROUPS" IN_LIST ARGN AND NOT group AND NOT file IN_LIST arg_GROUPS)
            set_source_files_properties(${file} PROPERTIES SKIP_PRECOMPILE_HEADERS ON
                COMPILE_OPTIONS "-include;${standard}" OBJECT_DEPENDS "${standard}.gch")
        endif()
    endforeach()
endfunction()

# Code that passes things on and waits for others, and tests: compiled in three quarters of the time, and no slower where a reader notices.
function(hf_optimise_little)
    foreach(target IN LISTS ARGN)
        target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
    endforeach()
endfunction()

function(hf_compile_together target group)
    if(HF_UNITY)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
        target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)      # meant for headers
    endif()
    set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP "${group}")
endfunction()

function(hf_print_summary)
    message(STATUS "Hounsfield ${PROJECT_VERSION}: viewer ${HF_BUILD_VIEWER}, tests ${HF_BUILD_TESTS}, "
        "build type ${CMAKE_BUILD_TYPE}, sanitizer '${HF_SANITIZER}', third-party files in ${HF_DEPS_DIR}")
endfunction()
