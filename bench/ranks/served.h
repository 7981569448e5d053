/* bench/ranks/served.h - furrow's ranks that serve: rank 0 starts jobs and no
 * other rank runs anything of the measuring program. */
#ifndef BENCH_SERVED_H
#define BENCH_SERVED_H

#include "ranks.h"

/* In this order. served_serve() returns on rank 0 alone. */
void served_begin(int *argc, char ***argv);
void served_serve(void);
void served_run(const struct bench_loop *loop, int workers);
void served_end(void);

#endif
