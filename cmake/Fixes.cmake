# SPDX-License-Identifier: GPL-2.0-only
# Two caches per fix and generation of the cache (impl/cache/generation), one to
# be timed and one that counts (see impl/cache/count.h): its sources compiled
# with the fix's file ahead of each, joined to one object that shows only its
# table, `fix_<name>_<generation>` or `fix_counting_<name>_<generation>`.

set(fix_names "")
set(fix_objects "")
# A cache that is not timed is compiled as one source, in a third of the time.
set(one_source UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
# What is not timed has no copy for it: the one that counts is fix_<name>.
set(timed_copies FALSE)
if(CMAKE_BUILD_TYPE STREQUAL release)
	set(timed_copies TRUE)
endif()

# Whether a copy that is its own counting copy counts.
set(copies_count TRUE)

# The kernels that the cache follows, the newest first.
file(GLOB generations RELATIVE ${PROJECT_SOURCE_DIR}/impl/cache/generation
	CONFIGURE_DEPENDS impl/cache/generation/*)
list(SORT generations COMPARE NATURAL ORDER DESCENDING)

# name_copy(<variable> <name> <generation>): as part of C names
function(name_copy variable name generation)
	string(MAKE_C_IDENTIFIER ${name}_${generation} copy)
	set(${variable} ${copy} PARENT_SCOPE)
endfunction()

# add_fix(<name> <file> <cache source>...): of each generation; appends to
# fix_names, fix_objects
function(add_fix name file)
	foreach(generation ${generations})
		name_copy(timed ${name} ${generation})
		name_copy(counting counting_${name} ${generation})
		if(timed_copies)
			# It has nothing that only counts.
			set(sources ${ARGN})
			list(FILTER sources EXCLUDE REGEX /cache/stat\\.c$)
			add_copy(${timed} ${name} ${counting} ${file} ${sources})
			add_copy(${counting} ${name} ${counting} ${file} ${ARGN})
		else()
			add_copy(${timed} ${name} ${timed} ${file} ${ARGN})
		endif()
	endforeach()
	set(fix_names ${fix_names} ${name} PARENT_SCOPE)
	set(fix_objects ${fix_objects} PARENT_SCOPE)
endfunction()

# add_copy(<copy> <fix> <counting copy> <file> <source>...): of ${generation};
# to fix_objects
function(add_copy copy fix counting file)
	set(joined ${PROJECT_BINARY_DIR}/fixes/${copy}.o)
	add_library(cache_${copy} OBJECT ${ARGN})
	# A fix need not use every helper it defines.
	target_compile_options(cache_${copy} PRIVATE -Wno-unused-function
		"SHELL:-include ${file}" ${copy_options})
	target_compile_definitions(cache_${copy} PRIVATE FIX_NAME=${fix}
		FIX_COPY=${copy} FIX_COUNTING=${counting}
		CACHE_NAME=${generation})
	target_include_directories(cache_${copy} PRIVATE
		${PROJECT_SOURCE_DIR}/impl/cache/generation/${generation})
	if(copy STREQUAL counting AND copies_count)
		target_compile_definitions(cache_${copy} PRIVATE CACHE_COUNTS=1)
	endif()
	if(copy STREQUAL counting AND NOT CMAKE_BUILD_TYPE STREQUAL checking)
		set_target_properties(cache_${copy} PROPERTIES ${one_source})
	endif()
	add_custom_command(OUTPUT ${joined}
		COMMAND ${PROJECT_SOURCE_DIR}/cmake/join.sh ${copy} fix_${copy}
			${joined} ${GNU_LD} ${GNU_NM} ${GNU_OBJCOPY}
			$<TARGET_OBJECTS:cache_${copy}>
		DEPENDS ${PROJECT_SOURCE_DIR}/cmake/join.sh
			$<TARGET_OBJECTS:cache_${copy}>
		COMMENT "Joining ${copy}"
		COMMAND_EXPAND_LISTS VERBATIM)
	set(fix_objects ${fix_objects} ${joined} PARENT_SCOPE)
endfunction()

# The array <array> of generations, and in <pointer> the table of the newest,
# of the fixes <name>..., in this order.
function(write_fixes_table path pointer array)
	set(tables "")
	set(entries "")
	foreach(generation ${generations})
		name_copy(table table ${generation})
		set(externs "")
		set(pointers "")
		foreach(name ${ARGN})
			name_copy(copy ${name} ${generation})
			string(APPEND externs
				"extern const struct fix fix_${copy};\n")
			string(APPEND pointers "\t&fix_${copy},\n")
		endforeach()
		string(APPEND tables "${externs}\n"
			"static const struct fix *const ${table}[] = {\n"
			"${pointers}\tNULL\n};\n\n")
		string(APPEND entries "\t{ \"${generation}\", ${table} },\n")
	endforeach()
	list(GET generations 0 newest)
	name_copy(newest table ${newest})
	file(CONFIGURE OUTPUT ${path} @ONLY CONTENT
"// SPDX-License-Identifier: GPL-2.0-only
/* Made by the build from the files that it found. */
#include \"cache/fix.h\"

extern const struct generation @array@[];
extern const struct fix *const *@pointer@;

@tables@
const struct generation @array@[] = {
@entries@	{ NULL, NULL }
};
const struct fix *const *@pointer@ = @newest@;
")
endfunction()
