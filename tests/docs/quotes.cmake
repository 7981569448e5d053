# What a page quotes from a file of the tree is still there.
#
#   PAGES   folder with the blocks that extract.awk took out of the pages
#   SOURCE  root of the tree

cmake_minimum_required(VERSION 3.20)

file(GLOB paths ${PAGES}/*/quote-*.path)
if(NOT paths)
  message(FATAL_ERROR "no page quotes a file; README.md should")
endif()
foreach(path IN LISTS paths)
  string(REGEX REPLACE "path$" "txt" block "${path}")
  file(STRINGS ${path} file)
  cmake_path(GET path PARENT_PATH page)
  cmake_path(GET page FILENAME page)
  if(NOT EXISTS ${SOURCE}/${file})
    message(SEND_ERROR "${page} quotes ${file}, which is not there")
    continue()
  endif()
  file(READ ${block} quoted)
  file(READ ${SOURCE}/${file} text)
  string(FIND "${text}" "${quoted}" at)
  if(at LESS 0)
    message(SEND_ERROR "${page} quotes ${file} otherwise than it is:\n${quoted}")
  endif()
endforeach()
