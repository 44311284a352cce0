# SPDX-License-Identifier: GPL-2.0-only
# Finds what the program links with: targets `libraries` and
# `cmocka_library`.  Says in one line which Debian packages are missing.

find_package(PkgConfig)
if(NOT PkgConfig_FOUND)
	message(FATAL_ERROR "pkg-config is missing: install it, or run "
		"scripts/setup")
endif()
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

add_library(libraries INTERFACE)
add_library(cmocka_library INTERFACE)
target_link_libraries(libraries INTERFACE Threads::Threads)

set(missing "")
# use_library(<target> <pkg-config module> <Debian package>)
macro(use_library target module package)
	pkg_check_modules(${module} QUIET IMPORTED_TARGET ${module})
	if(${module}_FOUND)
		target_link_libraries(${target} INTERFACE
			PkgConfig::${module})
	else()
		string(APPEND missing " ${package}")
	endif()
endmacro()
use_library(libraries liburcu-memb liburcu-dev)
use_library(libraries hwloc libhwloc-dev)
use_library(libraries benchmark libbenchmark-dev)
use_library(libraries jansson libjansson-dev)
use_library(libraries gsl libgsl-dev)
use_library(libraries libisal libisal-dev)
use_library(cmocka_library cmocka libcmocka-dev)
# cmocka 2 warns of the name that older ones have.
if(cmocka_FOUND AND cmocka_VERSION VERSION_LESS 2)
	target_compile_definitions(cmocka_library INTERFACE
		assert_uint_in_range=assert_in_range)
endif()
# It has no file for pkg-config.
find_library(PFM_LIBRARY pfm)
find_path(PFM_HEADERS perfmon/pfmlib_perf_event.h)
if(PFM_LIBRARY AND PFM_HEADERS)
	target_include_directories(libraries INTERFACE ${PFM_HEADERS})
	target_link_libraries(libraries INTERFACE ${PFM_LIBRARY})
else()
	string(APPEND missing " libpfm4-dev")
endif()

# The join of cmake/join.sh needs GNU ld's --unique, also under clang.
find_program(GNU_LD NAMES ld.bfd ld)
find_program(GNU_NM NAMES nm)
find_program(GNU_OBJCOPY NAMES objcopy)
if(NOT GNU_LD OR NOT GNU_NM OR NOT GNU_OBJCOPY)
	string(APPEND missing " binutils")
endif()

if(missing)
	message(FATAL_ERROR "missing Debian packages:${missing} "
		"(scripts/setup installs them)")
endif()
