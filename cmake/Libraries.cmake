# SPDX-License-Identifier: GPL-2.0-only
# Finds what the program links with: targets `libraries` and
# `cmocka_library`.  Says in one line what is missing.

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
# use_library(<target> <module of pkg-config> <header> <library> [<oldest>]):
# not every distribution has a file for pkg-config
macro(use_library target module header library)
	set(wanted ${module})
	if(${ARGC} GREATER 4)
		set(wanted "${module}>=${ARGV4}")
	endif()
	pkg_check_modules(${module} QUIET IMPORTED_TARGET ${wanted})
	pkg_check_modules(${module}_other QUIET ${module})
	find_path(${module}_HEADERS ${header})
	find_library(${module}_FILE ${library})
	if(${module}_FOUND)
		target_link_libraries(${target} INTERFACE
			PkgConfig::${module})
	elseif(${module}_other_FOUND)
		string(APPEND missing " ${wanted} (found: "
			"${${module}_other_VERSION})")
	elseif(${module}_HEADERS AND ${module}_FILE)
		target_include_directories(${target} SYSTEM INTERFACE
			${${module}_HEADERS})
		target_link_libraries(${target} INTERFACE ${${module}_FILE})
	else()
		string(APPEND missing " ${wanted}")
	endif()
endmacro()
use_library(libraries liburcu-memb urcu/urcu-memb.h urcu-memb 0.11)
use_library(libraries hwloc hwloc.h hwloc 2.4)
use_library(libraries benchmark benchmark/benchmark.h benchmark)
use_library(libraries jansson jansson.h jansson)
use_library(libraries gsl gsl/gsl_version.h gsl)
use_library(libraries libisal isa-l.h isal)
use_library(cmocka_library cmocka cmocka.h cmocka)
# cmocka 2 warns of the name that older ones have.
if(cmocka_VERSION VERSION_LESS 2)
	target_compile_definitions(cmocka_library INTERFACE
		assert_uint_in_range=assert_in_range)
endif()
# pkg-config never knows it.
use_library(libraries pfm perfmon/pfmlib_perf_event.h pfm)

# The join of cmake/join.sh needs GNU ld's --unique, also under clang.
find_program(GNU_LD NAMES ld.bfd ld)
find_program(GNU_NM NAMES nm)
find_program(GNU_OBJCOPY NAMES objcopy)
if(NOT GNU_LD OR NOT GNU_NM OR NOT GNU_OBJCOPY)
	string(APPEND missing " binutils")
endif()

if(missing)
	message(FATAL_ERROR "missing:${missing}: see what scripts/setup says")
endif()
