# What calque is built against: Python with its headers, Boost >= 1.81 with Boost.Python for that Python.
# Defines Python::Module, Boost::headers and calque_boost_python, or stops with one sentence saying what to install.

# --- Python -----------------------------------------------------------------------------------------------------
# A plain `cmake` takes the system's interpreter, the one the system's Boost.Python is built for, unless told otherwise.
if(NOT Python_EXECUTABLE AND NOT Python_ROOT_DIR AND NOT DEFINED ENV{VIRTUAL_ENV} AND EXISTS /usr/bin/python3)
  set(Python_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "The interpreter to build for")
endif()
if(Python_EXECUTABLE AND NOT EXISTS "${Python_EXECUTABLE}")
  message(FATAL_ERROR "Python_EXECUTABLE=${Python_EXECUTABLE} does not exist; on Debian the debug interpreter is "
                      "python3-dbg, the usual one python3-dev")
endif()
find_package(Python 3.10 QUIET COMPONENTS Interpreter Development.Module OPTIONAL_COMPONENTS Development.Embed)
if(NOT Python_Interpreter_FOUND OR Python_VERSION VERSION_LESS 3.10)
  message(FATAL_ERROR "calque needs CPython >= 3.10; on Debian: apt-get install python3-dev; elsewhere pass "
                      "-DPython_EXECUTABLE=<interpreter>")
endif()
if(NOT Python_Development.Module_FOUND)
  message(FATAL_ERROR "${Python_EXECUTABLE} comes without its C headers; on Debian: apt-get install python3-dev")
endif()
message(STATUS "Python ${Python_VERSION}: ${Python_EXECUTABLE}")

# Debian's debug Python keeps its own pyconfig.h beside a link to the release build's Python.h, and a compiler follows
# that link before it looks for pyconfig.h: without help the extension is compiled for the release interpreter, and
# every reference count drifts.
execute_process(
  COMMAND ${Python_EXECUTABLE} -c
          "import sys, sysconfig; print(sysconfig.get_config_h_filename() if hasattr(sys, 'gettotalrefcount') else '')"
  OUTPUT_VARIABLE debug_pyconfig OUTPUT_STRIP_TRAILING_WHITESPACE)
if(debug_pyconfig)
  add_compile_options("SHELL:-include ${debug_pyconfig}")
endif()

# --- Boost ------------------------------------------------------------------------------------------------------
set(boost_python_component python${Python_VERSION_MAJOR}${Python_VERSION_MINOR})
add_library(calque_boost_python INTERFACE)

if(CALQUE_BOOST_PYTHON_SOURCE)
  # A private Boost.Python inside the module: for interpreters the system has no Boost.Python for, and for wheels.
  if(NOT EXISTS ${CALQUE_BOOST_PYTHON_SOURCE}/src/object/class.cpp)
    message(FATAL_ERROR "CALQUE_BOOST_PYTHON_SOURCE=${CALQUE_BOOST_PYTHON_SOURCE} is not the libs/python directory of "
                        "an unpacked Boost")
  endif()
  get_filename_component(boost_root ${CALQUE_BOOST_PYTHON_SOURCE}/../.. ABSOLUTE)
  if(NOT EXISTS ${boost_root}/boost/version.hpp)
    message(FATAL_ERROR "${boost_root} holds Boost.Python's sources without Boost's headers; unpack boost/ beside libs/")
  endif()
  file(STRINGS ${boost_root}/boost/version.hpp boost_version REGEX "define BOOST_VERSION ")
  string(REGEX REPLACE "[^0-9]" "" boost_version "${boost_version}")
  if(boost_version LESS 108100)
    message(FATAL_ERROR "calque needs Boost >= 1.81, and ${boost_root} is older")
  endif()
  add_library(Boost::headers INTERFACE IMPORTED)
  target_include_directories(Boost::headers SYSTEM INTERFACE ${boost_root})

  file(GLOB_RECURSE boost_python_sources ${CALQUE_BOOST_PYTHON_SOURCE}/src/*.cpp)
  list(FILTER boost_python_sources EXCLUDE REGEX "/src/numpy/")
  add_library(calque_private_boost_python STATIC EXCLUDE_FROM_ALL ${boost_python_sources})
  # Hidden, and nothing unique per process: a visible second copy would half share its converters with the system's.
  set_target_properties(calque_private_boost_python PROPERTIES
    CXX_STANDARD 17 POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(calque_private_boost_python PRIVATE -w)
  target_compile_definitions(calque_private_boost_python
    PUBLIC BOOST_PYTHON_STATIC_LIB BOOST_ALL_NO_LIB PRIVATE BOOST_PYTHON_SOURCE)
  target_link_libraries(calque_private_boost_python PUBLIC Boost::headers Python::Module)
  target_link_libraries(calque_boost_python INTERFACE calque_private_boost_python)
  message(STATUS "Boost.Python: built in from ${CALQUE_BOOST_PYTHON_SOURCE}")
else()
  # Boost's own package files, not CMake's FindBoost: that one is gone from newer CMakes. BOOST_ROOT is a prefix.
  if(NOT BOOST_ROOT)
    set(BOOST_ROOT "$ENV{BOOST_ROOT}")
  endif()
  find_package(Boost QUIET CONFIG HINTS ${BOOST_ROOT})
  if(NOT Boost_FOUND)
    message(FATAL_ERROR "calque needs Boost >= 1.81 with Boost.Python; on Debian 12: apt-get install "
                        "libboost-python1.81-dev; elsewhere pass -DBOOST_ROOT=<Boost>")
  endif()
  if(Boost_VERSION_STRING VERSION_LESS 1.81)
    message(FATAL_ERROR "calque needs Boost >= 1.81, and Boost ${Boost_VERSION_STRING} was found; on Debian 12: "
                        "apt-get install libboost-python1.81-dev; elsewhere pass -DBOOST_ROOT=<Boost>")
  endif()
  find_package(Boost 1.81 QUIET CONFIG HINTS ${BOOST_ROOT} COMPONENTS ${boost_python_component})
  if(NOT TARGET Boost::${boost_python_component})
    message(FATAL_ERROR "Boost ${Boost_VERSION_STRING} has no Boost.Python for Python ${Python_VERSION_MAJOR}."
                        "${Python_VERSION_MINOR}; install it (Debian 12's own Python: libboost-python1.81-dev) or pass "
                        "-DCALQUE_BOOST_PYTHON_SOURCE=<unpacked Boost>/libs/python")
  endif()
  target_link_libraries(calque_boost_python INTERFACE Boost::${boost_python_component})
  message(STATUS "Boost ${Boost_VERSION_STRING}: the system's Boost.Python")
endif()
