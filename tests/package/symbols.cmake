# The shared library exports furrow_* and nothing else, under the right SONAME.

cmake_minimum_required(VERSION 3.20)

execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY}
                OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^ \n]+\n" names "${table}")
list(TRANSFORM names STRIP)
set(strangers ${names})
list(FILTER names INCLUDE REGEX "^furrow_")
list(FILTER strangers EXCLUDE REGEX "^furrow_")
if(NOT names)
  message(SEND_ERROR "no furrow_ symbol is exported")
endif()
if(strangers)
  message(SEND_ERROR "exported beside furrow_*: ${strangers}")
endif()

execute_process(COMMAND ${READELF} -d ${LIBRARY}
                OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
if(NOT dynamic MATCHES "SONAME[^\n]*\\[${SONAME}\\]")
  message(SEND_ERROR "the SONAME is not ${SONAME}:\n${dynamic}")
endif()
