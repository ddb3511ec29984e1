# What every target shares: language level, warnings, sanitizers, output folders.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
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

# ccache keeps objects over builds and checkouts. Precompiled headers need the sloppiness (ccache manual, "Precompiled headers");
# with the source folder as base, another checkout of the same tree finds them too.
find_program(HF_CCACHE ccache)
if(HF_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(launcher env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1 "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "${HF_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(hf_options INTERFACE)
target_compile_options(hf_options INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
    $<$<BOOL:${HF_WERROR}>:-Werror>)
if(HF_SANITIZER)
    add_compile_options(-fsanitize=${HF_SANITIZER} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${HF_SANITIZER})
endif()
target_include_directories(hf_options INTERFACE "${PROJECT_SOURCE_DIR}")
# ccache asks for this with precompiled headers.
add_compile_options(-fpch-preprocess)

# hf_add_library(hf_volume SOURCES a.cpp ... LINK ...): a static library with the alias Hounsfield::volume.
function(hf_add_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC hf_options ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
    string(REPLACE "hf_" "" short ${name})
    add_library(Hounsfield::${short} ALIAS ${name})
endfunction()

function(hf_print_summary)
    message(STATUS "Hounsfield ${PROJECT_VERSION}: viewer ${HF_BUILD_VIEWER}, tests ${HF_BUILD_TESTS}, "
        "build type ${CMAKE_BUILD_TYPE}, sanitizer '${HF_SANITIZER}', third-party files in ${HF_DEPS_DIR}")
endfunction()
