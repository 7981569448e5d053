# Every link of a page leads to a file, and to a heading where it names one.
#
#   SOURCE  root of the tree
#   AWK     awk

cmake_minimum_required(VERSION 3.20)

set(script ${CMAKE_CURRENT_LIST_DIR}/links.awk)

# links_of(<page>): sets lines
function(links_of page)
  execute_process(COMMAND ${AWK} -f ${script} ${page} OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  set(lines "${lines}" PARENT_SCOPE)
endfunction()

# check_link(<page> <line> <target>)
function(check_link page line target)
  cmake_path(GET page PARENT_PATH folder)
  string(REGEX REPLACE "#.*$" "" file "${target}")
  set(path ${page})
  if(NOT file STREQUAL "")
    cmake_path(SET path NORMALIZE "${folder}/${file}")
  endif()
  if(NOT EXISTS ${path})
    message(SEND_ERROR "${page}:${line}: ${target} is not there")
  elseif(target MATCHES "#(.*)$")
    set(anchor ${CMAKE_MATCH_1})
    links_of(${path})
    if(NOT "anchor ${anchor}" IN_LIST lines)
      message(SEND_ERROR "${page}:${line}: ${path} has no heading ${anchor}")
    endif()
  endif()
endfunction()

file(GLOB pages ${SOURCE}/*.md ${SOURCE}/docs/*.md ${SOURCE}/runtime/*.md ${SOURCE}/examples/*/*.md ${SOURCE}/bench/*.md)
foreach(page IN LISTS pages)
  links_of(${page})
  foreach(entry IN LISTS lines)
    if(entry MATCHES "^link ([0-9]+) (.*)$")
      check_link(${page} ${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
    endif()
  endforeach()
endforeach()

# The index has every page.
file(GLOB pages RELATIVE ${SOURCE}/docs ${SOURCE}/docs/*.md)
list(REMOVE_ITEM pages README.md)
links_of(${SOURCE}/docs/README.md)
foreach(page IN LISTS pages)
  string(REPLACE "." "[.]" name ${page})
  set(entries ${lines})
  list(FILTER entries INCLUDE REGEX "^link [0-9]+ ${name}$")
  if(NOT entries)
    message(SEND_ERROR "docs/README.md has no link to ${page}")
  endif()
endforeach()
