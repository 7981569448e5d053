# Workers that die, are killed, or cannot be made; plain main programs, each with
# fault.c. ThreadSanitizer does not follow the forks of a program with threads.

set(fault_tests
  fork_deaths
  fork_ends
  fork_limits
  fork_refused
  fork_view
)

foreach(test IN LISTS fault_tests)
  furrow_add_test(${test} ${test}.c fault.c)
endforeach()
