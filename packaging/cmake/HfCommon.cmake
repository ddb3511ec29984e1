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

# ccache keeps objects over builds and checkouts; with the source folder as base, another checkout of the same tree finds them too.
find_program(HF_CCACHE ccache)
if(HF_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(launcher env CCACHE_NOHASHDIR=1 "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "${HF_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(hf_options INTERFACE)
target_compile_options(hf_options INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
    $<$<BOOL:${HF_WERROR}>:-Werror>)
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

# LibTorch's headers cost GCC a quarter of a minute a file, also when they are precompiled: what they define is instantiated at the end of
# every file. So files that need them are compiled together, in a few groups. The preset `dev` leaves this out, which shows that every
# file includes what it needs.
option(HF_UNITY "Compile files that include LibTorch together" ON)
function(hf_compile_together target group)
    if(HF_UNITY)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
        set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP "${group}")
    endif()
endfunction()

function(hf_print_summary)
    message(STATUS "Hounsfield ${PROJECT_VERSION}: viewer ${HF_BUILD_VIEWER}, tests ${HF_BUILD_TESTS}, "
        "build type ${CMAKE_BUILD_TYPE}, sanitizer '${HF_SANITIZER}', third-party files in ${HF_DEPS_DIR}")
endfunction()
