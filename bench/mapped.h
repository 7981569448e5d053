/* Tasks of furrow_map() that are the tasks of a loop (harness.h): `shared` is the
 * loop. For contestants whose workers have it at the same address. */
#ifndef BENCH_MAPPED_H
#define BENCH_MAPPED_H

#include <furrow/furrow.h>

int mapped_empty(furrow_task *task);
int mapped_spin(furrow_task *task);
int mapped_spins(furrow_task *task);

#endif
