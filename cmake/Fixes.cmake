# SPDX-License-Identifier: GPL-2.0-only
# One cache per fix: its sources compiled with the fix's file ahead of
# each, joined to one object that shows only `fix_<name>`.

set(fix_names "")
set(fix_objects "")
# A cache that is not timed is compiled as one source, in a third of the time.
set(one_source UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)

# add_fix(<name> <file> <cache source>...): appends to fix_names, fix_objects
function(add_fix name file)
	set(joined ${PROJECT_BINARY_DIR}/fixes/${name}.o)
	add_library(cache_${name} OBJECT ${ARGN})
	# A fix need not use every helper it defines.
	target_compile_options(cache_${name} PRIVATE -Wno-unused-function
		"SHELL:-include ${file}")
	target_compile_definitions(cache_${name} PRIVATE FIX_NAME=${name})
	target_include_directories(cache_${name} PRIVATE
		${PROJECT_SOURCE_DIR}/impl/cache/generation/6.12)
	if(CMAKE_BUILD_TYPE MATCHES san)
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
	set(fix_names ${fix_names} ${name} PARENT_SCOPE)
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
