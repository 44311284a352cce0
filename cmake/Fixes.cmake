# SPDX-License-Identifier: GPL-2.0-only
# Two caches per fix, one to be timed and one that counts (see
# impl/cache/count.h): its sources compiled with the fix's file ahead of each,
# joined to one object that shows only its table, `fix_<name>` or
# `fix_counting_<name>`.

set(fix_names "")
set(fix_objects "")
# A cache that is not timed is compiled as one source, in a third of the time.
set(one_source UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
# What is not timed has no copy for it: the one that counts is fix_<name>.
set(timed_copies FALSE)
if(CMAKE_BUILD_TYPE STREQUAL release)
	set(timed_copies TRUE)
endif()

# add_fix(<name> <file> <cache source>...): appends to fix_names, fix_objects
function(add_fix name file)
	if(timed_copies)
		# It has nothing that only counts.
		set(sources ${ARGN})
		list(FILTER sources EXCLUDE REGEX /cache/stat\\.c$)
		add_copy(${name} ${name} counting_${name} ${file} ${sources})
		add_copy(counting_${name} ${name} counting_${name} ${file} ${ARGN})
	else()
		add_copy(${name} ${name} ${name} ${file} ${ARGN})
	endif()
	set(fix_names ${fix_names} ${name} PARENT_SCOPE)
	set(fix_objects ${fix_objects} PARENT_SCOPE)
endfunction()

# add_copy(<copy> <fix> <counting copy> <file> <source>...): to fix_objects
function(add_copy name fix counting file)
	set(joined ${PROJECT_BINARY_DIR}/fixes/${name}.o)
	add_library(cache_${name} OBJECT ${ARGN})
	# A fix need not use every helper it defines.
	target_compile_options(cache_${name} PRIVATE -Wno-unused-function
		"SHELL:-include ${file}")
	target_compile_definitions(cache_${name} PRIVATE FIX_NAME=${fix}
		FIX_COPY=${name} FIX_COUNTING=${counting})
	target_include_directories(cache_${name} PRIVATE
		${PROJECT_SOURCE_DIR}/impl/cache/generation/6.12)
	if(name STREQUAL counting)
		target_compile_definitions(cache_${name} PRIVATE CACHE_COUNTS=1)
	endif()
	if(name STREQUAL counting AND NOT CMAKE_BUILD_TYPE STREQUAL checking)
		set_target_properties(cache_${name} PROPERTIES ${one_source})
	endif()
	add_custom_command(OUTPUT ${joined}
		COMMAND ${PROJECT_SOURCE_DIR}/cmake/join.sh ${name} ${joined}
			${GNU_LD} ${GNU_NM} ${GNU_OBJCOPY}
			$<TARGET_OBJECTS:cache_${name}>
		DEPENDS ${PROJECT_SOURCE_DIR}/cmake/join.sh
			$<TARGET_OBJECTS:cache_${name}>
		COMMENT "Joining ${name}"
		COMMAND_EXPAND_LISTS VERBATIM)
	set(fix_objects ${fix_objects} ${joined} PARENT_SCOPE)
endfunction()

# The array <array> of pointers to the fixes <name>..., in this order.
function(write_fixes_table path array)
	set(externs "")
	set(entries "")
	foreach(name ${ARGN})
		string(APPEND externs "extern const struct fix fix_${name};\n")
		string(APPEND entries "\t&fix_${name},\n")
	endforeach()
	file(CONFIGURE OUTPUT ${path} @ONLY CONTENT
"// SPDX-License-Identifier: GPL-2.0-only
/* Made by the build from the files that it found. */
#include \"cache/fix.h\"

extern const struct fix *const @array@[];

@externs@
const struct fix *const @array@[] = {
@entries@	NULL
};
")
endfunction()
