# The extension calque.plugins._numpy (module/plugins/numpy.cpp), where numpy's headers are. It is a stranger's plugin
# that calque ships: it sees the SDK and numpy.
#
#   CALQUE_NUMPY          AUTO: built if there is a numpy; ON: an error if there is none; OFF
#   CALQUE_NUMPY_INCLUDE  the folder of its headers; default: those of the numpy that Python_EXECUTABLE can import
#
# What it is built against says what it runs with: headers of numpy 2: 1.23 and newer; headers of numpy 1: 1.23 to 1.26.
set(CALQUE_NUMPY AUTO CACHE STRING "Handlers for numpy: AUTO, ON, OFF")
set_property(CACHE CALQUE_NUMPY PROPERTY STRINGS AUTO ON OFF)
set(CALQUE_NUMPY_INCLUDE "" CACHE PATH "Folder of numpy's headers, if not that of the interpreter's numpy")

function(calque_find_numpy result)
  set(include "${CALQUE_NUMPY_INCLUDE}")
  if(NOT include)
    execute_process(COMMAND ${Python_EXECUTABLE} -c "import numpy; print(numpy.get_include())"
                    OUTPUT_VARIABLE include ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  # 1.22 brought the allocators that the handler asks for memory.
  if(EXISTS "${include}/numpy/numpyconfig.h")
    file(STRINGS "${include}/numpy/numpyconfig.h" new_enough REGEX "define NPY_1_22_API_VERSION")
  endif()
  if(NOT new_enough)
    set(include "")
  endif()
  set(${result} "${include}" PARENT_SCOPE)
endfunction()

if(NOT CALQUE_NUMPY STREQUAL "OFF")
  calque_find_numpy(numpy_include)
  if(numpy_include)
    message(STATUS "numpy: ${numpy_include}")
    Python_add_library(calque_numpy MODULE WITH_SOABI module/plugins/numpy.cpp)
    target_include_directories(calque_numpy SYSTEM PRIVATE ${numpy_include})
    target_link_libraries(calque_numpy PRIVATE calque_sdk calque_options calque_no_exceptions calque_fence)
    set_target_properties(calque_numpy PROPERTIES OUTPUT_NAME _numpy LIBRARY_OUTPUT_DIRECTORY ${package_dir}/plugins)
    install(TARGETS calque_numpy LIBRARY DESTINATION calque/plugins COMPONENT extension)
    # Who builds the module builds what is shipped with it.
    add_dependencies(_calque calque_numpy)
  elseif(CALQUE_NUMPY STREQUAL "ON")
    message(FATAL_ERROR "CALQUE_NUMPY=ON, and ${Python_EXECUTABLE} has no numpy >= 1.22: install it, or pass "
                        "-DCALQUE_NUMPY_INCLUDE=<what numpy.get_include() says>")
  endif()
endif()
