# SPDX-License-Identifier: MIT
# bundle_page(VARIABLE): the page of allocptrace-analyze --html, npm's packages and our sources,
# bundled into a style and a script, whose names are appended to VARIABLE. All is done in a copy in
# the build tree. The packages are fetched when CMake configures: where that fails VARIABLE is left
# alone, and the analyzer is built without the page.
set(PAGE_SOURCES ${CMAKE_CURRENT_LIST_DIR})

# Installs the packages of package-lock.json in build, if it has not got these.
function(fetch_page_packages build result)
  set(manifests ${PAGE_SOURCES}/package.json ${PAGE_SOURCES}/package-lock.json)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifests})
  set(stamp ${build}/installed)
  set(wanted)
  set(installed)
  foreach(manifest IN LISTS manifests)
    file(SHA256 ${manifest} sum)
    string(APPEND wanted ${sum})
  endforeach()
  if(EXISTS ${stamp})
    file(READ ${stamp} installed)
  endif()
  if(NOT wanted STREQUAL installed)
    message(STATUS "Fetching the report page's npm packages")
    file(MAKE_DIRECTORY ${build})
    file(COPY ${manifests} DESTINATION ${build})
    execute_process(COMMAND ${NPM_PROGRAM} ci --ignore-scripts --loglevel=error --no-audit --no-fund
      WORKING_DIRECTORY ${build} RESULT_VARIABLE failed)
    if(failed)
      set(${result} FALSE PARENT_SCOPE)
      return()
    endif()
    file(WRITE ${stamp} ${wanted})
  endif()
  set(${result} TRUE PARENT_SCOPE)
endfunction()

function(bundle_page variable)
  set(build ${CMAKE_CURRENT_BINARY_DIR}/page)
  set(bundle ${build}/dist/report.css ${build}/dist/report.js)
  if(NODE_PROGRAM AND NPM_PROGRAM)
    fetch_page_packages(${build} fetched)
    set(why "npm could not fetch its packages")
  else()
    set(fetched FALSE)
    set(why "there is no node or no npm")
  endif()
  if(NOT fetched)
    message(WARNING "allocptrace-analyze is built without the report page, for ${why}; its --html "
                    "will say so. -DALLOCPTRACE_HTML=OFF does without the page and this warning.")
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${PAGE_SOURCES}/build.mjs ${PAGE_SOURCES}/src/*.js
    ${PAGE_SOURCES}/src/*.css ${PAGE_SOURCES}/src/*/*.js ${PAGE_SOURCES}/src/*/*.css)
  add_custom_command(OUTPUT ${bundle}
    COMMAND ${CMAKE_COMMAND} -E rm -rf src
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${PAGE_SOURCES}/src src
    COMMAND ${CMAKE_COMMAND} -E copy ${PAGE_SOURCES}/build.mjs .
    COMMAND ${NODE_PROGRAM} build.mjs dist
    WORKING_DIRECTORY ${build}
    DEPENDS ${build}/installed ${sources}
    COMMENT "Bundling the report page"
    VERBATIM)
  set(${variable} ${${variable}} ${bundle} PARENT_SCOPE)
endfunction()
