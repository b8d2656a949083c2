# must_not_compile.cmake: one file must compile, and must not when OFFENDING is defined, for the reason that it names.
#
#   cmake -DCASE=<file> -DCOMMANDS=<compile_commands.json> -DROOT=<sources> -P must_not_compile.cmake
#
# The comments at the top of the file say with whose compile command (`as:`) and which regular expression the
# compiler's output must match (`message:`). So the include paths are those that the build really uses.
file(STRINGS ${CASE} as REGEX "^// as: ")
file(STRINGS ${CASE} message REGEX "^// message: ")
string(REPLACE "// as: " "" as "${as}")
string(REPLACE "// message: " "" message "${message}")
if(NOT as OR NOT message)
  message(FATAL_ERROR "${CASE} does not say `// as: <source>` and `// message: <regular expression>`")
endif()

file(READ ${COMMANDS} commands)
string(JSON count LENGTH "${commands}")
math(EXPR last "${count} - 1")
set(command)
foreach(i RANGE ${last})
  string(JSON source GET "${commands}" ${i} file)
  if(source STREQUAL "${ROOT}/${as}")
    string(JSON command GET "${commands}" ${i} command)
    string(JSON directory GET "${commands}" ${i} directory)
    break()
  endif()
endforeach()
if(NOT command)
  message(FATAL_ERROR "${as} is not compiled here, so ${CASE} cannot be compiled like it")
endif()
separate_arguments(arguments UNIX_COMMAND "${command}")
list(FIND arguments -o output)
if(output GREATER -1)
  math(EXPR object "${output} + 1")
  list(REMOVE_AT arguments ${output} ${object})
endif()
list(REMOVE_ITEM arguments -c ${ROOT}/${as})
set(compile ${CMAKE_COMMAND} -E env LC_ALL=C ${arguments} -Werror=unused-result -fsyntax-only)

execute_process(COMMAND ${compile} ${CASE} WORKING_DIRECTORY ${directory}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the harmless form must compile, and does not:\n${output}")
endif()

execute_process(COMMAND ${compile} -DOFFENDING ${CASE} WORKING_DIRECTORY ${directory}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "this compiles, and must not")
endif()
if(NOT output MATCHES "error: [^\n]*(${message})")
  message(FATAL_ERROR "this does not compile, but not because of `${message}`:\n${output}")
endif()
